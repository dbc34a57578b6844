import { registry } from "./chat.js";

registry.start();
