/** The page: a button that counts for everybody who looks at it. */
import { createClient } from "@greenroom/client";
import type { registry } from "./registry.js";

const button = document.querySelector("button");
if (button === null) throw new Error("the page has a button");

const client = createClient<typeof registry>(`${location.origin}/api/rivet`);
const counter = client.counter.getOrCreate("page").connect();
counter.on("counted", (count) => {
  button.textContent = String(count);
});
button.addEventListener("click", () => counter.add(1));
button.textContent = String(await counter.add(0));
