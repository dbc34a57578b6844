import { createClient } from "@greenroom/client";
import type { registry } from "./registry.js";

const [text = "stretch", seconds = "3"] = process.argv.slice(2);
const client = createClient<typeof registry>(process.env.GREENROOM_ENDPOINT ?? "http://127.0.0.1:6420");

const reminder = client.reminder.getOrCreate("me").connect();
const heard = new Promise<string>((resolve) => reminder.once("reminder", ({ text }) => resolve(text)));
await reminder.setReminder(text, Number(seconds) * 1_000);
console.log(`planned: ${(await reminder.list()).planned.length}`);
console.log(`reminder: ${await heard}`);

await client.dispose();
