import { Forbidden, setup } from "greenroom";
import { limiter } from "./limiter.js";
import { ACCOUNTS } from "./plans.js";

const WATCHING: ReadonlySet<string> = new Set(["get", "create", "connect"]);

export const registry = setup({
  use: { limiter },
  // The page watches the buckets of the two accounts. Nothing else is open to the outside.
  onAuth: ({ intents, key }) => {
    const account = key?.[1] ?? "";
    const isWatching = ACCOUNTS.has(account) && [...intents].every((intent) => WATCHING.has(intent));
    if (!isWatching) throw new Forbidden("only the buckets of accounts can be watched");
    return { account };
  },
});
