/**
 * What the compiler must accept and refuse. The functions are compiled, not called.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ActorHandle, createClient, type UntypedActor } from "@greenroom/client";

interface Context {
  readonly state: { total: number };
}

/** As a server package would infer it from `actor({ ... })`. */
interface Room {
  readonly "~types"?: {
    actions: {
      say(c: Context, from: string, text: string): void;
      count: (c: Context) => Promise<number>;
      noContext(): boolean;
      optional(c: Context, limit?: number): string[];
      rest(c: Context, ...all: number[]): number;
      admin: { stats: { get: (c: Context) => { key: string }; set(c: Context, key: string): void } };
      then(c: Context): void;
      connect(c: Context): void;
    };
    events: { line: [message: { from: string; text: string }]; moved: [x: number, y: number]; bare: [] };
    queues: {
      job: { sent: { file: string }; reply: { pages: number } };
      ping: { sent: null; reply: unknown };
    };
    params: { token: string };
    input: { title: string };
    state: { total: number };
    connState: unknown;
  };
}

/** An actor that declares nothing but actions. */
interface Plain {
  readonly "~types"?: {
    actions: { bid(c: Context, cents: number): boolean };
    events: undefined;
    queues: undefined;
    params: unknown;
    input: unknown;
    state: undefined;
    connState: undefined;
  };
}

interface Registry {
  readonly start: () => void;
  readonly "~actors"?: { room: Room; plain: Plain; get: Plain };
}

const client = createClient<Registry>("http://localhost:1");

async function actions(): Promise<void> {
  const room = client.room.getOrCreate(["a", "b"]);
  await room.say("ann", "hi");
  const count: number = await room.count();
  const flag: boolean = await room.noContext();
  const list: string[] = await room.optional();
  await room.optional(1);
  await room.rest(1, 2, 3);
  const { key }: { key: string } = await room.admin.stats.get();
  await room.admin.stats.set("x");
  const named: number = await room.action({ name: "count" });
  const nested: { key: string } = await room.action({
    name: "admin.stats.get",
    signal: AbortSignal.timeout(1),
  });
  await room.action({ name: "say", args: ["ann", "hi"] });
  // @ts-expect-error argument types come from the action
  await room.say("ann", 1);
  // @ts-expect-error as do their number
  await room.say("ann");
  // @ts-expect-error the context is not an argument
  await room.noContext({});
  // @ts-expect-error no such action
  await room.sya("ann", "hi");
  // @ts-expect-error no such nested action
  await room.admin.stats.clear();
  // @ts-expect-error a handle is not thenable
  room.then;
  // @ts-expect-error `connect` is the handle's own
  room.connect(1, 2);
  // @ts-expect-error no such name
  await room.action({ name: "admin.stats" });
  // @ts-expect-error arguments are missing
  await room.action({ name: "say" });
  // @ts-expect-error wrong argument
  await room.action({ name: "say", args: ["ann", 1] });
  void [count, flag, list, key, named, nested];
}

function events(): void {
  const room = client.room.get().connect({ token: "t" });
  room.on("line", (message) => message.text.length);
  const off: () => void = room.once("moved", (x, y) => x + y);
  room.on("bare", () => {});
  // @ts-expect-error undeclared event
  room.on("lien", () => {});
  // @ts-expect-error wrong payload
  room.on("line", (message: number) => message);

  const plain = client.plain.get().connect();
  plain.on("topBid", (bid: { cents: number }) => bid.cents);
  plain.on("left", (n: number, m: string) => `${n}${m}`);
  plain.once("any", () => {});
  plain.on("any", (value) => {
    // @ts-expect-error unannotated payloads are unknown
    value.anything;
  });
  void off;
}

async function connection(): Promise<void> {
  const conn = client.plain.getOrCreate().connect();
  const ok: boolean = await conn.bid(1);
  await conn.ready;
  conn.onStatusChange((status) => status === "connected");
  conn.onError((error) => `${error.group}.${error.code}`);
  conn.onResync(({ reason, from, to }) => reason === "expired" && (to ?? 0) - (from ?? 0));
  // @ts-expect-error there is no such reason
  conn.onResync(({ reason }) => reason === "tired");
  conn.onClose(({ code }) => code + 1);
  const id: string | undefined = conn.actorId;
  // @ts-expect-error no such status
  conn.onStatusChange((status) => status === "open");
  // @ts-expect-error no such action
  conn.bdi(1);
  void [ok, id];
}

async function options(): Promise<void> {
  client.room.getOrCreate("a", {
    createWithInput: { title: "t" },
    params: { token: "t" },
    createInRegion: "eu",
  });
  client.room.getOrCreate("a", { getParams: async () => ({ token: "t" }) });
  await client.room.create("a", { input: { title: "t" }, region: "eu" });
  client.plain.getOrCreate("a", { createWithInput: 1, params: 2 });
  // @ts-expect-error input is inferred
  client.room.getOrCreate("a", { createWithInput: "wrong" });
  // @ts-expect-error params are inferred
  client.room.getOrCreate("a", { params: 123 });
  // @ts-expect-error also those that are asked for
  client.room.get("a", { getParams: () => 123 });
  // @ts-expect-error also when connecting
  client.room.get("a").connect(123);
  // @ts-expect-error also for create
  await client.room.create("a", { input: 1 });
  // @ts-expect-error `get` never creates
  client.room.get("a", { createWithInput: { title: "t" } });
  // @ts-expect-error keys are strings
  client.room.get([1]);
}

async function queues(): Promise<void> {
  const room = client.room.get();
  await room.send("job", { file: "a" });
  await room.send("ping", null);
  const outcome = await room.send("job", { file: "a" }, { wait: true, timeout: 5 });
  if (outcome.status === "completed") {
    const pages: number | undefined = outcome.response?.pages;
    void pages;
  }
  // @ts-expect-error undeclared queue
  await room.send("jbo", { file: "a" });
  // @ts-expect-error wrong message
  await room.send("job", { file: 1 });
  // @ts-expect-error no queues at all
  await client.plain.get().send("job", 1);
}

async function byName(): Promise<void> {
  const room: ActorHandle<Room> = client.get("room", "a", { params: { token: "t" } });
  const count: number = await client.getOrCreate("room", "a").count();
  const other: ActorHandle<UntypedActor> = client.get("elsewhere");
  const answer: unknown = await other.action({ name: "any", args: [1] });
  other.connect().on("event", (n: number) => n);
  const taken: ActorHandle<Plain> = client.get("get", "a");
  const untyped: unknown = await createClient().get("x").action({ name: "y" });
  // @ts-expect-error no such actor
  client.rom;
  // @ts-expect-error an untyped handle has no methods for actions
  other.any();
  // @ts-expect-error a registry is needed, not any type
  createClient<{ room: Room }>();
  void [room, count, answer, taken, untyped];
}

test("types hold", () => {
  for (const each of [actions, events, connection, options, queues, byName])
    assert.equal(typeof each, "function");
});
