/** An Express app, with actors in it. */
import express from "express";
import { toNodeHandler } from "greenroom/node";
import { registry } from "./registry.js";

const port = Number(process.env.PORT ?? 3000);
const app = express();

// Before whatever reads bodies.
app.use(toNodeHandler(registry));
app.use(express.json());
app.get("/", (_request, response) => {
  response.send("a page of my own\n");
});

const server = app.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
server.on("upgrade", registry.upgrade);
