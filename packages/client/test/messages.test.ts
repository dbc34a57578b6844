import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ActorHandle, type Client, createClient, type UntypedActor } from "@greenroom/client";
import { FakeClock, settle } from "./support/fake-clock.js";
import { fakeWebSockets } from "./support/fake-socket.js";

interface Registry {
  readonly "~actors"?: { counter: UntypedActor };
}

type AnyClient = Client<Registry>;

const { sockets, WebSocket } = fakeWebSockets();

function makeClient(disableMetadataLookup = true): { readonly client: AnyClient; readonly clock: FakeClock } {
  const clock = new FakeClock();
  const client = createClient<Registry>({
    endpoint: "http://host:1",
    disableMetadataLookup,
    runtime: {
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
      random: () => 0,
      loadWebSocket: async () => WebSocket,
      fetch: () => Promise.reject(new TypeError("there is no network here")),
    },
  });
  return { client, clock };
}

describe("a server that is down", () => {
  const expected =
    "no connection to http://host:1 yet: no answer from http://host:1/metadata?namespace=default: " +
    "there is no network here";

  test("is told to the console once per client", async (t) => {
    const warn = t.mock.method(console, "warn", () => {});
    const { client, clock } = makeClient(false);
    const connections = [client.counter.get("a").connect(), client.counter.get("b").connect()];
    await settle();
    await clock.advance(10_000);
    assert.deepEqual(
      warn.mock.calls.map((call) => call.arguments),
      [[expected]],
    );
    await Promise.all(connections.map((conn) => conn.dispose()));
    makeClient(false).client.counter.get("a").connect();
    await settle();
    assert.equal(warn.mock.callCount(), 2);
  });

  test("is not when somebody listens, nor after dispose, nor when it was there before", async (t) => {
    const warn = t.mock.method(console, "warn", () => {});
    const listening = makeClient(false).client.counter.get("a").connect();
    let errors = 0;
    listening.onError(() => errors++);
    const disposed = makeClient(false).client.counter.get("a").connect();
    disposed.onStatusChange((status) => {
      if (status === "disconnected") void disposed.dispose();
    });
    const gone = makeClient(false).client.counter.get("a").connect();
    void gone.dispose();
    const lost = makeClient();
    lost.client.counter.get("a").connect();
    await settle();
    sockets.at(-1)?.init();
    sockets.at(-1)?.drop();
    await lost.clock.advance(125);
    sockets.at(-1)?.drop();
    await settle();
    assert.equal(errors, 1);
    assert.equal(disposed.connStatus, "idle");
    assert.equal(warn.mock.callCount(), 0);
  });

  test("is not mistaken for an actor that is about to start", async (t) => {
    const warn = t.mock.method(console, "warn", () => {});
    makeClient().client.counter.get("a").connect();
    await settle();
    sockets.at(-1)?.drop(1011, "actor.starting");
    assert.equal(warn.mock.callCount(), 0);
  });
});

describe("a close that names an error", () => {
  async function refusal(handle: ActorHandle<UntypedActor>, reason: string): Promise<string> {
    const conn = handle.connect();
    const message = new Promise<string>((resolve) => conn.onError((error) => resolve(error.message)));
    await settle();
    sockets.at(-1)?.drop(1011, reason);
    const text = await message;
    await conn.dispose();
    return text;
  }

  test("says which actor, where, and what to do about well-known codes", async () => {
    const { client } = makeClient();
    assert.equal(
      await refusal(client.counter.getOrCreate(["a", "b/c"]), "actor.not_registered#ray"),
      "actor `counter` with key `a/b\\/c` at http://host:1: the server closed the connection: " +
        "actor.not_registered (check the name and `use`)",
    );
    assert.equal(
      await refusal(client.counter.getForId("x1"), "actor.not_found"),
      "actor `counter` with id `x1` at http://host:1: the server closed the connection: " +
        "actor.not_found (getOrCreate creates it)",
    );
    assert.equal(
      await refusal(client.counter.get(), "message.incoming_too_long"),
      "actor `counter` with key `/` at http://host:1: the server closed the connection: " +
        "message.incoming_too_long (see `maxIncomingMessageSize`)",
    );
  });

  test("has no hint for other codes", async () => {
    const { client } = makeClient();
    assert.match(await refusal(client.counter.get("k"), "user.odd"), /closed the connection: user\.odd$/);
  });
});

describe("misuse from JavaScript", () => {
  test("a key of another type, or of half a character", () => {
    const { client } = makeClient();
    for (const key of [42, null, {}, ["a", 1], "\ud800", ["a", "\udc00b"]]) {
      assert.throws(() => client.counter.get(key as string), {
        name: "TypeError",
        message: "an actor key is a well-formed string or a list of such strings",
      });
    }
  });

  test("creation input under the name that the other method has for it", async () => {
    const { client } = makeClient();
    const refusal = (name: string, use: string) => ({
      name: "TypeError",
      message: `unknown option \`${name}\`: use \`${use}\``,
    });
    const input: object = { input: 1 };
    const createWithInput: object = { createWithInput: 1 };
    assert.throws(() => client.counter.getOrCreate("k", input), refusal("input", "createWithInput"));
    assert.throws(() => client.getOrCreate("counter", "k", input), refusal("input", "createWithInput"));
    await assert.rejects(client.counter.create("k", createWithInput), refusal("createWithInput", "input"));
    client.counter.getOrCreate("k", createWithInput);
  });
});
