import { createClient } from "@greenroom/client";
import type { registry } from "./registry.js";

const client = createClient<typeof registry>(process.env.GREENROOM_ENDPOINT ?? "http://127.0.0.1:6420");

const connection = client.counter.getOrCreate("main").connect();
connection.on("newCount", (count) => console.log(`event: ${count}`));
console.log(`reply: ${await connection.increment(1)}`);

await client.dispose();
