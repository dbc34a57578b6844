#!/usr/bin/env node
// The UNMODIFIED npm package `rivetkit/client` where not everybody may do everything. Prints what it saw as JSON.
//   usage: RK_DIR=/dir/with/node_modules/rivetkit node rivetkit-access.mjs <url behind onAuth> <token> <url with guards>
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [endpoint, token, guarded] = process.argv.slice(2);
process.env.RIVET_LOG_LEVEL ??= "silent";
const require = createRequire(path.join(process.env.RK_DIR ?? process.cwd(), "/"));
const entry = path.join(path.dirname(require.resolve("rivetkit/client")), "mod.js");
const { createClient } = await import(pathToFileURL(entry).href);
process.on("unhandledRejection", () => {});

const outcome = (promise) =>
  promise.then(
    (value) => value ?? null,
    (error) => `${error.group}.${error.code}: ${error.message}`,
  );
const saw = {};

const known = createClient({ endpoint, token, devtools: false });
saw.call = await outcome(known.vault.getOrCreate(["rk"]).who());
const open = known.vault.getOrCreate(["rk"]).connect();
saw.connection = await outcome(open.who());
saw.id = await outcome(known.vault.getForId(await known.vault.getOrCreate(["rk"]).resolve()).who());

const nobody = createClient({ endpoint, devtools: false });
saw.refusedCall = await outcome(nobody.vault.getOrCreate(["rk-nobody"]).who());
saw.refusedLookUp = await outcome(nobody.vault.getOrCreate(["rk-nobody"]).resolve());
const closed = nobody.vault.getOrCreate(["rk-nobody"]).connect();
saw.refusedConnection = await new Promise((resolve) => {
  closed.onError((error) => resolve(`${error.group}.${error.code}: ${error.message}`));
});

const member = createClient({ endpoint: guarded, devtools: false }).board.getOrCreate(["rk"]).connect();
await member.ready;
const told = new Promise((resolve) => member.onError((error) => resolve(`${error.group}.${error.code}`)));
const heard = [];
member.on("note", (text) => heard.push(text));
member.on("open", (text) => heard.push(text));
saw.refusedEvent = await told;
await member.say("note", "not for you");
await member.say("open", "for all");
saw.heard = heard;

process.stdout.write(`${JSON.stringify(saw)}\n`);
process.exit(0);
