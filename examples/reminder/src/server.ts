import { registry } from "./registry.js";

await registry.start();
