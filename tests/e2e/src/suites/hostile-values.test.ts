/** Values at the edges, in all encodings and at every place where one comes in. None of them is kept by anybody else. */

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { data } from "../bad-input/bare.js";
import { errorOf } from "../bad-input/error-body.js";
import { send } from "../bad-input/raw-http.js";
import { residentBytes } from "../bad-input/resident.js";
import { action } from "../bad-input/urls.js";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { CBOR_VALUES, JSON_VALUES } from "../hostile/value-cases.js";
import type { registry } from "../server/hostile-registry.js";

const MIB = 1024 * 1024;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let server: ServerProcess;
let common: unknown;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/hostile-main.js") });
  common = await askCommon();
});
after(async () => {
  agent.destroy();
  await server.dispose();
});

const CBOR_ARGS = Buffer.from("a16461726773", "hex");
const CBOR_OUTPUT = Buffer.from("a1666f7574707574", "hex");
const BARE = Buffer.from([4, 0]);
const ONE = Buffer.from([0x81]);

type Encoding = "json" | "cbor" | "bare";

async function echo(encoding: Encoding, body: string | Uint8Array) {
  const headers = { "x-rivet-encoding": encoding };
  return send(server.port, { path: action("echo"), headers, body }, agent);
}

async function askCommon(): Promise<unknown> {
  const answer = await send(server.port, { path: action("common"), body: "{}" }, agent);
  assert.equal(answer.status, 200, answer.body.toString());
  return JSON.parse(answer.body.toString());
}

/** A body with one argument, and the body that has it as its output. */
const BODIES = {
  cbor: [
    (value: Buffer) => Buffer.concat([CBOR_ARGS, ONE, value]),
    (output: Buffer) => Buffer.concat([CBOR_OUTPUT, output]),
  ],
  bare: [
    (value: Buffer) => Buffer.concat([BARE, Buffer.from(data(Buffer.concat([ONE, value])))]),
    (output: Buffer) => Buffer.concat([BARE, Buffer.from(data(output))]),
  ],
} as const;

describe("arguments", () => {
  afterEach(async () => assert.deepEqual(await askCommon(), common));

  for (const { what, value, output } of JSON_VALUES) {
    test(`json: ${what}`, async () => {
      const answer = await echo("json", `{"args":[${value}]}`);
      if (output !== undefined) {
        assert.equal(answer.body.toString(), `{"output":${output}}`);
        return;
      }
      const { group, code } = errorOf(answer, "json");
      assert.deepEqual([answer.status, `${group}.${code}`], [400, "encoding.invalid"]);
    });
  }

  for (const encoding of ["cbor", "bare"] as const) {
    for (const { what, value, output } of CBOR_VALUES) {
      test(`${encoding}: ${what}`, async () => {
        const [asArgument, asOutput] = BODIES[encoding];
        const answer = await echo(encoding, asArgument(value));
        if (output !== undefined) {
          assert.equal(answer.body.toString("hex"), asOutput(output).toString("hex"));
          return;
        }
        const { group, code } = errorOf(answer, encoding);
        assert.deepEqual([answer.status, `${group}.${code}`], [400, "encoding.invalid"]);
      });
    }
  }

  test("names twice, and names that every object has, are those of the last and of nobody", async () => {
    for (const [body, output] of [
      ['{"args":[1],"args":[2]}', "2"],
      ['{"__proto__":{"args":[5]},"args":[6]}', "6"],
      ['{"__proto__":{"args":[5]}}', '["$Undefined",0]'],
    ] as const) {
      assert.equal((await echo("json", body)).body.toString(), `{"output":${output}}`);
    }
  });
});

/** An object with keys of its own that others inherit. */
const pollution = (): unknown =>
  JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1,"then":2}');

const isClean = () => assert.equal(({} as { polluted?: unknown }).polluted, undefined);

describe("keys that every object has", () => {
  for (const encoding of ["json", "cbor", "bare"] as const) {
    for (const transport of ["websocket", "sse"] as const) {
      test(`stay keys everywhere, in ${encoding} over ${transport}`, async (t) => {
        const client = createClient<typeof registry>({ endpoint: server.url, encoding, transport });
        t.after(() => client.dispose());
        const params = pollution();
        const key = ["proto", encoding, transport];
        const handle = client.counter.getOrCreate(key, { params, createWithInput: pollution() });
        assert.deepEqual(await handle.kept(), pollution());
        const connection = handle.connect();
        for (const callee of [handle, connection]) {
          assert.deepEqual(await callee.echo(pollution()), pollution());
          assert.deepEqual(await callee.params(), pollution());
          await callee.keep(pollution());
          await callee.sleep();
          assert.deepEqual(await callee.kept(), pollution());
        }
        const noted = handle.note();
        await handle.send("notes", pollution());
        assert.deepEqual(await noted, pollution());
        assert.deepEqual(await handle.common(), (common as { output: unknown }).output);
        isClean();
      });
    }
  }
});

test("all of it over and over does not fill the memory", { skip: process.platform !== "linux" }, async () => {
  const { pid } = server;
  assert.ok(pid !== undefined);
  const round = () =>
    Promise.all([
      ...JSON_VALUES.map(({ value }) => echo("json", `{"args":[${value}]}`)),
      ...CBOR_VALUES.map(({ value }) => echo("cbor", BODIES.cbor[0](value))),
      ...CBOR_VALUES.map(({ value }) => echo("bare", BODIES.bare[0](value))),
    ]);
  for (let n = 0; n < 5; n++) await round();
  const before = await residentBytes(pid);
  for (let n = 0; n < 15; n++) await round();
  const grown = (await residentBytes(pid)) - before;
  assert.ok(grown < 64 * MIB, `the server grew by ${grown} bytes`);
  assert.doesNotMatch(server.stderr, /panicked|RangeError/);
});
