import type { Policy } from "./bucket.js";

/** Ten at once, and then one per second. */
export const BURST: Policy = { name: "burst", limit: 10, window: 10_000 };
/** For what is dear: twenty an hour. */
export const HOURLY: Policy = { name: "hourly", limit: 20, window: 3_600_000 };

/** Who has an API key. In a real program that is a table. */
export const ACCOUNTS: ReadonlySet<string> = new Set(["anna", "bob"]);
