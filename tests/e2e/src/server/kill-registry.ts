/**
 * The actor of the suite that kills its process: all that happens to it is a line of one log, so that every effect can
 * be told apart afterwards. Each line is in the state and among the pairs, and everybody who is connected is told.
 */

import { actor, event, type FireInfo, queue, setup } from "greenroom";
import { digestWith, NOTHING, type Note, PAIRS, pairKey, type Reading } from "../kill/lines.js";

interface Writer {
  readonly actorId: string;
  readonly state: { log: string[] };
  readonly kv: { put(key: string, value: string): Promise<void>; delete(key: string): Promise<void> };
  broadcast(name: "noted", note: Note): void;
}

/** Writes a line, in one turn and three places. */
function write(c: Writer, line: string): Note {
  const place = c.state.log.push(line) - 1;
  void c.kv.put(pairKey(place), line);
  void c.kv.put("lines", String(place + 1));
  if (place >= PAIRS) void c.kv.delete(pairKey(place - PAIRS));
  const note = { life: c.actorId, place, line };
  c.broadcast("noted", note);
  return note;
}

/** The time between two runs of the job: the shortest that there is. */
const TICK = 5_000;

/** @param durability what the suite is to find wrong, unless it is `strict`. */
const diaryOf = (durability: "strict" | "relaxed") =>
  actor({
    state: { log: [] as string[] },
    queues: { task: queue<string, Note>(), quick: queue<string>() },
    events: { noted: event<Note>() },
    createConnState: (_c, params: { name: string } | undefined) => ({ name: params?.name, messages: 0 }),
    onCreate: (c) => void write(c, "born"),
    onWake: (c) => void write(c, "wake"),
    onConnect: (c, conn) => {
      if (conn.state.name !== undefined) write(c, `enter ${conn.id}`);
    },
    onDisconnect: (c, conn) => {
      if (conn.state.name !== undefined) write(c, `leave ${conn.id}`);
    },
    onWebSocket: (c, socket) => {
      socket.onmessage = ({ data }) => {
        c.conn.state.messages += 1;
        socket.send(JSON.stringify({ note: write(c, String(data)), nth: c.conn.state.messages }));
      };
    },
    run: async (c) => {
      const tasks = async (): Promise<void> => {
        for await (const task of c.queue.iter({ names: ["task"], completable: true })) {
          // Something that takes a while, with a kill in the middle of it. What follows is one turn.
          await new Promise((resolve) => setImmediate(resolve));
          await task.complete(write(c, task.body));
        }
      };
      const quick = async (): Promise<void> => {
        for await (const { body } of c.queue.iter({ names: ["quick"] })) write(c, body);
      };
      await Promise.all([tasks(), quick()]);
    },
    options: {
      sleepTimeout: 120,
      maxQueueSize: 5_000,
      maxSchedules: 5_000,
      canHibernateWebSocket: true,
      durability,
      stateSaveInterval: 2_000,
    },
    actions: {
      write: (c, line: string) => write(c, line),
      plan(c, line: string, delay: number) {
        const due = Date.now() + delay;
        void c.schedule.at(due, "fire", line, due);
        return write(c, `${line} planned`);
      },
      fire(c, line: string, due: number, info: FireInfo) {
        write(c, `${line} fired ${info.firedAt - due}`);
      },
      cancel: {
        // Or else one that has something to cancel, and so one more thing to await, is behind a later one that has not.
        concurrency: "exclusive",
        async run(c, line: string, plan: string) {
          const waiting = await c.schedule.list();
          const found = waiting.find(({ args }) => args?.[0] === plan);
          const cancelled = found !== undefined && (await c.schedule.cancel(found.id));
          return write(c, `${line} ${cancelled ? "cancelled" : "missed"} ${plan}`);
        },
      },
      start(c, line: string) {
        void c.cron.every({ name: "tick", interval: TICK, action: "tick", args: [] });
        return write(c, `${line} on`);
      },
      stop(c, line: string) {
        void c.cron.delete("tick");
        return write(c, `${line} off`);
      },
      tick(c, info: FireInfo) {
        write(c, `tick ${info.scheduledAt}`);
      },
      nap(c, line: string) {
        c.sleep();
        return write(c, line);
      },
      end(c, line: string) {
        c.destroy();
        return write(c, line);
      },
      async read(c, known: { readonly life: string; readonly length: number }): Promise<Reading> {
        // All of it is asked for in one turn, so it is what there was at one moment.
        const from = known.life === c.actorId ? Math.min(known.length, c.state.log.length) : 0;
        const lines = c.state.log.slice(from);
        const digest = c.state.log.slice(0, from).reduce(digestWith, NOTHING);
        const [pairs, plans, jobs] = await Promise.all([c.kv.list(), c.schedule.list(), c.cron.list()]);
        return {
          life: c.actorId,
          from,
          lines,
          digest,
          pairs,
          plans: plans.map(({ args }) => String(args?.[0])),
          jobs: jobs.map(({ name }) => name),
        };
      },
    },
  });

export const diaries = (durability: "strict" | "relaxed") =>
  setup({
    use: { diary: diaryOf(durability) },
    // Made by a function: only who calls it makes it by being loaded.
    workers: { module: new URL("./kill-main.js", import.meta.url) },
  });

export type Diary = ReturnType<typeof diaryOf>;
export type KillRegistry = ReturnType<typeof diaries>;
