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
        "actor.not_registered (check the name and the registry's `use`)",
    );
    assert.equal(
      await refusal(client.counter.getForId("x1"), "actor.not_found"),
      "actor `counter` with id `x1` at http://host:1: the server closed the connection: " +
        "actor.not_found (it was not created yet, or is destroyed)",
    );
    assert.equal(
      await refusal(client.counter.get(), "message.incoming_too_long"),
      "actor `counter` with key `/` at http://host:1: the server closed the connection: " +
        "message.incoming_too_long (the registry's `maxIncomingMessageSize` is the limit)",
    );
  });

  test("has no hint for other codes", async () => {
    const { client } = makeClient();
    assert.match(await refusal(client.counter.get("k"), "user.odd"), /closed the connection: user\.odd$/);
  });
});
