/** Actors that consume queues, for the suite about queues. */

import {
  type ActorError,
  actor,
  type GuardContext,
  queue,
  type StandardSchema,
  setup,
  UserError,
} from "greenroom";

/** A schema that takes what `check` does not complain about. */
function schema<T>(check: (value: unknown) => string | undefined): StandardSchema<unknown, T> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const message = check(value);
        return message === undefined ? { value: value as T } : { issues: [{ message, path: ["file"] }] };
      },
    },
  };
}

const isJob = (value: unknown): string | undefined =>
  typeof (value as { file?: unknown } | null)?.file === "string" ? undefined : "has to be a text";

/** Counts those who want something of the queues at the moment. */
async function consuming<T>(c: { readonly vars: { consumers: number } }, work: () => Promise<T>): Promise<T> {
  c.vars.consumers++;
  try {
    return await work();
  } finally {
    c.vars.consumers--;
  }
}

/** Does what its callers ask of its queues. */
export const desk = actor({
  state: { done: [] as string[] },
  vars: { consumers: 0 },
  queues: {
    job: queue<{ file: string }, { pages: number }>(),
    ping: queue<number>(),
    anything: queue(),
    strict: queue({
      message: schema<{ file: string }>(isJob),
      complete: schema<{ pages: number }>((value) =>
        typeof (value as { pages?: unknown } | null)?.pages === "number" ? undefined : "has to be a number",
      ),
    }),
  },
  options: { sleepTimeout: 300, maxQueueSize: 10, actionTimeout: 2_000 },
  actions: {
    /** How many wait for messages, or are at work on one. */
    consumers: (c) => c.vars.consumers,
    /** Waits until there is a job. */
    jobComes: (c) => c.queue.waitForAvailable(["job"]),
    next: (c, names: ("job" | "ping")[], timeout: number) =>
      consuming(c, async () => (await c.queue.next({ names, timeout }))?.body),
    batch: (c, count: number) =>
      consuming(c, async () =>
        (await c.queue.nextBatch({ names: ["ping"], count, timeout: 1_000 })).map(({ body }) => body),
      ),
    tryNext: async (c) => (await c.queue.tryNext())?.body,
    tryBatch: async (c, count: number) =>
      (await c.queue.tryNextBatch({ names: ["ping"], count })).map(({ body }) => body),
    /** Waits for a job and completes it. */
    print: (c, pages: number) =>
      consuming(c, async () => {
        const job = await c.queue.next({ names: ["job"], completable: true });
        c.state.done.push(job.body.file);
        await job.complete({ pages });
        return job.body.file;
      }),
    /** Takes a job and ends without completing it. */
    async giveUp(c) {
      const job = await c.queue.next({ names: ["job"], completable: true });
      throw new UserError(`cannot print ${job.body.file}`, { code: "jammed" });
    },
    async twice(c) {
      const job = await c.queue.next({ names: ["job"], completable: true });
      await job.complete({ pages: 1 });
      await job.complete({ pages: 2 });
    },
    async greedy(c) {
      await c.queue.next({ names: ["job"], completable: true });
      await c.queue.next({ names: ["job"], completable: true });
    },
    /** Handles a job that asks for a ping meanwhile. */
    async curious(c) {
      const job = await c.queue.next({ names: ["job"], completable: true });
      const ping = await consuming(c, () => c.queue.waitForNames(["ping"], { timeout: 1_000 }));
      await c.queue.complete(job, { pages: ping.body });
    },
    async all(c, count: number) {
      const seen: string[] = [];
      for await (const { name, body, id } of c.queue.iter({ names: ["job", "ping"] })) {
        seen.push(`${name} ${id} ${name === "job" ? body.file : body}`);
        if (seen.length === count) break;
      }
      return seen;
    },
    async impatient(c, ms: number) {
      await c.queue.next({ signal: AbortSignal.timeout(ms) });
    },
    async waitForNames(c) {
      await c.queue.waitForNames(["ping"], { timeout: 50 });
    },
    async available(c) {
      await consuming(c, () => c.queue.waitForAvailable(["ping"]));
      return (await c.queue.tryNext({ names: ["ping"] }))?.body;
    },
    async selfSend(c, file: string) {
      const { id, name, body } = await c.queue.send("job", { file });
      return { id, name, body };
    },
    ask: (c, file: string, timeout?: number) => c.queue.enqueueAndWait("job", { file }, { timeout }),
    /** The consumer of a queue waits for what it alone could consume. */
    askMyself: (c) =>
      consuming(c, async () => {
        const job = await c.queue.next({ names: ["job"], completable: true });
        try {
          return await c.queue.enqueueAndWait("job", { file: "to myself" });
        } finally {
          await job.complete({ pages: 0 });
        }
      }),
    sendTo: (c, name: string, body: unknown) => c.queue.send(name as "anything", body),
    nextOf: async (c, name: string) => (await c.queue.next({ names: [name as "ping"], timeout: 0 }))?.body,
    badOption: (c, option: string, value: unknown) => c.queue.next({ [option]: value }),
    completeBad: async (c, response: unknown) => {
      const [message] = await c.queue.tryNextBatch({ names: ["strict"], completable: true });
      await message?.complete(response as { pages: number });
      return message?.body;
    },
    done: (c) => c.state.done,
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
  },
});

/** Sends to itself while it goes to sleep. */
export const lateSender = actor({
  queues: { note: queue<string>() },
  onSleep: async (c) => {
    await c.queue.send("note", "before sleeping");
  },
  options: { sleepTimeout: 100 },
  actions: {
    nap: (c) => c.sleep(),
    read: async (c) => (await c.queue.tryNext())?.body,
  },
});

const say = (...words: unknown[]): void => console.error(words.join(" "));

/** Consumes one of its queues on its own. What it says on standard error can be read without calling it. */
export const printer = actor({
  state: { done: [] as string[] },
  queues: { job: queue<{ file: string; takes?: number }, { pages: number }>(), ping: queue<null>() },
  options: { sleepTimeout: 150 },
  onWake: (c) => say(c.key[0], "wakes"),
  onSleep: (c) => say(c.key[0], "sleeps"),
  run: async (c) => {
    for await (const job of c.queue.iter({ names: ["job"], completable: true })) {
      const { file, takes } = job.body;
      say(c.key[0], "begins", file);
      if (takes !== undefined) await new Promise((done) => setTimeout(done, takes));
      c.state.done.push(file);
      await job.complete({ pages: file.length });
      say(c.key[0], "ends", file);
    }
    say(c.key[0], "leaves");
  },
  actions: {
    done: (c) => c.state.done,
    backlog: async (c) => (await c.queue.tryNextBatch({ names: ["ping"], count: 10 })).length,
    nap: (c) => c.sleep(),
  },
});

/** Sends to the printers of others. */
export const clerk = actor({
  actions: {
    order: (c, key: string, file: string) =>
      c.client<typeof registry>().printer.getOrCreate(key).send("job", { file }, { wait: true }),
    leave: (c, key: string, file: string): Promise<void> =>
      c.client<typeof registry>().printer.getOrCreate(key).send("job", { file }),
    async misplace(c, key: string): Promise<void> {
      try {
        await c
          .client<typeof registry>()
          .printer.getOrCreate(key)
          .send("jobs" as "job", { file: "x" });
      } catch (error) {
        const { group, code, message } = error as ActorError;
        if (group === "queue") throw new UserError(message, { code });
        throw error;
      }
    },
  },
});

/** Wants to know who sends. */
export const picky = actor({
  connParamsSchema: schema<{ user: string }>((value) =>
    typeof (value as { user?: unknown } | undefined)?.user === "string" ? undefined : "has to be a text",
  ),
  state: { from: "" },
  queues: {
    note: queue<string>({
      canPublish: (c: GuardContext<undefined, { from: string }, { user: string }>) => {
        c.state.from = c.conn.params.user;
        return true;
      },
    }),
  },
  actions: { read: async (c) => `${(await c.queue.tryNext())?.body} from ${c.state.from}` },
});

/** Fails at every message a few times, and goes on. */
export const clumsy = actor({
  state: { attempts: [] as string[] },
  queues: { job: queue<string>() },
  options: { sleepTimeout: 100 },
  run: async (c) => {
    while (!c.aborted) {
      try {
        for await (const job of c.queue.iter({ completable: true })) {
          c.state.attempts.push(job.body);
          if (c.state.attempts.filter((each) => each === job.body).length < 3) throw new Error("jammed");
          await job.complete();
        }
      } catch (error) {
        c.log.debug({ error: String(error) }, "once more");
      }
    }
  },
  actions: { attempts: (c) => c.state.attempts },
});

/** Nobody but its writers may send. */
export const guarded = actor({
  state: { seen: [] as string[] },
  onBeforeConnect: (_c, params: { user: string } | undefined) => {
    if (params?.user === "banned") throw new UserError("not you", { code: "banned" });
  },
  createConnState: (_c, params: { user: string } | undefined) => ({ user: params?.user ?? "nobody" }),
  queues: {
    open: queue<number>(),
    import: queue<string>({
      canPublish: (c) => {
        c.state.seen.push(`${c.conn.state.user} ${typeof c.conn.id}`);
        return c.conn.state.user === "writer";
      },
    }),
    later: queue<string>({ canPublish: async (c) => c.conn.state.user === "writer" }),
    vague: queue<string>({ canPublish: () => "yes" as unknown as boolean }),
    broken: queue<string>({
      canPublish: () => {
        throw new UserError("ask again", { code: "unsure" });
      },
    }),
  },
  actions: {
    seen: (c) => c.state.seen,
    count: async (c) => (await c.queue.tryNextBatch({ count: 100 })).length,
    own: (c) => c.queue.send("import", "from inside"),
  },
});

/** Small messages, few of them. */
export const narrow = actor({
  queues: { tiny: queue<string>() },
  options: { maxQueueSize: 3, maxQueueMessageSize: 100 },
  actions: { take: async (c) => (await c.queue.tryNext())?.body },
});

export const registry = setup({
  use: { desk, lateSender, printer, clerk, picky, clumsy, guarded, narrow },
});
