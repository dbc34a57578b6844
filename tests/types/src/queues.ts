// Queues: names, messages and responses, in the actor and on the client.
import {
  type ActionContextOf,
  actor,
  type CompletableMessage,
  type CreateContextOf,
  type GuardContext,
  type QueueMessage,
  queue,
  setup,
} from "rivetkit";
import { createClient } from "rivetkit/client";
import { z } from "zod";
import { same } from "./equal.js";

interface Job {
  file: string;
}

const printer = actor({
  state: { done: 0 },
  queues: {
    job: queue<Job, { pages: number }>(),
    ping: queue<null>(),
    note: queue<string, string | undefined>(),
    free: queue(),
  },
  onWake: async (c) => {
    await c.queue.send("ping", null);
    // @ts-expect-error not declared
    await c.queue.send("pong", null);
    // @ts-expect-error not what the queue takes
    await c.queue.send("job", { name: "a" });
    help(c);
  },
  actions: {
    async receive(c) {
      const any = await c.queue.next();
      same<typeof any.body, unknown>();
      same<typeof any.name, "job" | "ping" | "note" | "free">();
      const one = await c.queue.next({ names: ["job", "ping"] });
      same<typeof one, QueueMessage<"job", Job> | QueueMessage<"ping", null>>();
      same<typeof one.body, Job | null>();
      if (one.name === "job") same<typeof one.body, Job>();
      // @ts-expect-error messages that are not completable cannot be completed
      one.complete();
      const perhaps = await c.queue.next({ names: ["job"], timeout: 5 });
      same<typeof perhaps, QueueMessage<"job", Job> | undefined>();
      const [first] = await c.queue.nextBatch({ names: ["note"], count: 3, timeout: 5 });
      same<typeof first, QueueMessage<"note", string> | undefined>();
      const tried = await c.queue.tryNext({ names: ["note"] });
      same<typeof tried, QueueMessage<"note", string> | undefined>();
      same<number, number>();
      const waited = await c.queue.waitForNames(["ping"], { timeout: 5 });
      same<typeof waited, QueueMessage<"ping", null>>();
      await c.queue.waitForAvailable(["job", "note"]);
      // @ts-expect-error not declared
      await c.queue.next({ names: ["jobs"] });
      // @ts-expect-error not declared
      await c.queue.waitForAvailable(["jobs"]);
      // @ts-expect-error an option that does not exist
      await c.queue.tryNext({ timeout: 5 });
      // @ts-expect-error no such method
      c.queue.nxt();
    },
    async complete(c) {
      for await (const message of c.queue.iter({ names: ["job"], completable: true })) {
        same<typeof message, CompletableMessage<"job", Job, { pages: number }>>();
        c.state.done++;
        await message.complete({ pages: 3 });
        // @ts-expect-error the response is missing
        await message.complete();
        // @ts-expect-error not what the sender expects
        await message.complete({ pages: "3" });
      }
      const ping = await c.queue.next({ names: ["ping"], completable: true });
      await ping.complete();
      const note = await c.queue.next({ names: ["note"], completable: true });
      await note.complete();
      await note.complete("thanks");
      await c.queue.complete({ id: 5, name: "job" }, { pages: 1 });
      await c.queue.complete({ id: 5, name: "ping" });
      // @ts-expect-error the response is missing
      await c.queue.complete({ id: 5, name: "job" });
    },
    async ask(c) {
      const pages = await c.queue.enqueueAndWait("job", { file: "a" }, { timeout: 5 });
      same<typeof pages, { pages: number } | undefined>();
    },
    helped: (c) => help(c),
  },
});

function help(c: ActionContextOf<typeof printer> | CreateContextOf<typeof printer>): Promise<unknown> {
  // @ts-expect-error not declared
  void c.queue.send("pong", null);
  return c.queue.send("note", "from a helper");
}

// What schemas say.
const schema = <T>() => ({
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: value as T }),
    types: undefined as { input: T; output: T } | undefined,
  },
});
const checked = actor({
  queues: { point: queue({ message: schema<{ x: number }>(), complete: schema<boolean>() }) },
  actions: {
    async take(c) {
      const message = await c.queue.next({ completable: true });
      same<typeof message.body, { x: number }>();
      await message.complete(true);
      // @ts-expect-error not what the schema gives
      await message.complete(1);
    },
  },
});

// Schemas that make something else of what they take.
const changing = actor({
  queues: {
    order: queue({
      message: z.object({ count: z.string().transform(Number), note: z.string().default("") }),
      complete: z.object({ ok: z.boolean().default(true) }),
    }),
    plain: queue<string>({ canPublish: () => true }),
  },
  run: async (c) => {
    for await (const message of c.queue.iter({ completable: true })) {
      if (message.name === "plain") {
        same<typeof message.body, string>();
        await message.complete();
        continue;
      }
      same<typeof message.body, { count: number; note: string }>();
      // @ts-expect-error what the schema takes is no number
      await message.complete({ ok: 1 });
      await message.complete({});
    }
    const sent = await c.queue.send("order", { count: "1" });
    same<typeof sent.body.count, string>();
    // @ts-expect-error what it gives is not what it takes
    await c.queue.send("order", { count: 1, note: "" });
    const answer = await c.queue.enqueueAndWait("order", { count: "1" });
    same<typeof answer, { ok: boolean } | undefined>();
    await c.queue.complete({ id: 1, name: "order" }, {});
  },
});
export async function changes(): Promise<void> {
  const handle = createClient<typeof changingRegistry>().changing.getOrCreate("a");
  const outcome = await handle.send("order", { count: "1" }, { wait: true });
  if (outcome.status === "completed") same<typeof outcome.response, { ok: boolean } | undefined>();
  await handle.connect().send("order", { count: "1", note: "x" });
  // @ts-expect-error what it gives is not what it takes
  await handle.send("order", { count: 1, note: "" });
  // @ts-expect-error not declared
  await handle.send("ordr", { count: "1" });
}
const changingRegistry = setup({ use: { changing } });

// Guards.
actor({
  createConnState: (_c, params: { role: string }) => ({ role: params.role }),
  queues: {
    loose: queue<string>({ canPublish: (c) => c.conn.state.role === "writer" }),
    strict: queue<string>({
      canPublish: async (c: GuardContext<{ role: string }>) => {
        // @ts-expect-error a member that does not exist
        c.conn.state.rolle;
        return c.conn.state.role === "writer";
      },
    }),
    // @ts-expect-error a guard says yes or no
    vague: queue<string>({ canPublish: () => "yes" }),
    // @ts-expect-error an option that does not exist
    typo: queue<string>({ canPublsh: () => true }),
  },
});

// Without queues there is nothing to receive.
actor({
  actions: {
    async nothing(c) {
      // @ts-expect-error no queues
      await c.queue.send("job", {});
      // @ts-expect-error no queues
      await c.queue.next({ names: ["job"] });
    },
  },
});

const registry = setup({ use: { printer, checked } });
const client = createClient<typeof registry>();
const handle = client.printer.getOrCreate("hp");
same<ReturnType<typeof send>, Promise<void>>();
function send() {
  return handle.send("job", { file: "a" });
}
async function outcome() {
  const result = await handle.send("job", { file: "a" }, { wait: true, timeout: 5 });
  if (result.status === "completed") same<typeof result.response, { pages: number } | undefined>();
  await handle.connect().send("note", "a");
  await handle.send("free", { any: "thing" });
  // @ts-expect-error not declared
  await handle.send("jobs", {});
  // @ts-expect-error not what the queue takes
  await handle.send("job", { files: "a" });
  // @ts-expect-error not what the queue takes
  await handle.connect().send("note", 5);
}
void outcome;
