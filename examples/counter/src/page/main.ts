import { createClient } from "@greenroom/client";
import type { registry } from "../registry.js";
import { view } from "./view.js";

const client = createClient<typeof registry>(location.origin);

/** Shows the counter of this key until the page shows another one. */
function watch(key: string) {
  const counter = client.counter.getOrCreate(key).connect();
  counter.on("newCount", (count) => view.event(count));
  counter.onStatusChange((status) => view.status(status));
  counter.onError((error) => view.trouble(error.message));
  // Every opening, the first and each after a loss, starts from what the actor knows.
  counter.onOpen(() => {
    counter.getCount().then(view.count, (error: Error) => view.trouble(error.message));
  });
  return counter;
}

let counter = watch(view.key());

view.onKeyChange((key) => {
  void counter.dispose();
  counter = watch(key);
});

view.onPress(async (by) => {
  const start = performance.now();
  try {
    // The reply comes after the change is on disk: no crash can take it back.
    view.reply(by, await counter.increment(by), performance.now() - start);
  } catch (error) {
    view.trouble(error instanceof Error ? error.message : String(error));
  }
});
