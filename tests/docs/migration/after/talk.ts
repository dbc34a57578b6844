import { createClient } from "greenroom/client";
import { isRivetErrorCode } from "greenroom/errors";
import type { registry } from "./chat.js";

const client = createClient<typeof registry>(process.argv[2] ?? "http://localhost:6420");
const room = client.room.getOrCreate(["lobby"], { params: { name: "ann" } });
const connection = room.connect();
connection.on("line", (line) => console.log(line));
await connection.say("hello");
await room.remind(10, "time flies");
const mailed = await client.mailer
  .getOrCreate(["out"])
  .send("mails", { to: "bob", text: "hello" }, { wait: true });
console.log(mailed.status, mailed.response);
try {
  await client.room.getOrCreate(["lobby"], { params: { name: "" } }).say("psst");
} catch (error) {
  console.log("nameless:", isRivetErrorCode(error, "user", "nameless"));
}
