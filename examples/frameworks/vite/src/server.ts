/** The actors' own server, behind Vite's in development. */
import { registry } from "./registry.js";

const { url } = await registry.start();
console.log(url);
