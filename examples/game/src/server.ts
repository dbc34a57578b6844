import { registry } from "./registry.js";

// Not awaited: should it fail, the reason is printed and the process ends with status 1.
registry.start();
