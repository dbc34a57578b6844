/** Those who make use of one diary until they are told to stop. They repeat nothing. */

import { setTimeout as delay } from "node:timers/promises";
import { ActorError, type ActorHandle } from "@greenroom/client";
import { RawSocket } from "../harness/raw-socket.js";
import type { Diary } from "../server/kill-registry.js";
import type { Gate } from "./gate.js";
import type { Note } from "./lines.js";
import type { DiaryModel, Kind } from "./model.js";
import { type Outcome, outcomeOf } from "./outcome.js";
import type { Random } from "./random.js";

/** What a visitor works with. */
export interface Visit {
  /** Unique in the test. */
  readonly name: string;
  readonly diary: ActorHandle<Diary>;
  readonly model: DiaryModel;
  readonly random: Random;
  readonly stop: AbortSignal;
  /** Open while the server serves. */
  readonly gate: Gate;
  /** The longest pause between two requests, in milliseconds. Actors whose visitors take their time fall asleep. */
  readonly pause: number;
  /** Whether the diary may be destroyed. */
  readonly mortal: boolean;
  /** Where the server is. */
  readonly url: string;
}

/** Where a visitor's calls go: handles and connections have the same actions. */
type Surface = Pick<ActorHandle<Diary>, "write" | "plan" | "cancel" | "start" | "stop" | "nap" | "end">;

/** The longest time in milliseconds from a plan to when it is due. */
const MOST_DELAY = 1_500;

/** Calls, plans, cancels, starts and stops a job, and puts the diary to sleep; one of many ends its life. */
async function call({ name, model, random, mortal, url }: Visit, surface: Surface, n: number): Promise<void> {
  const ask = async (kind: Kind, send: (line: string) => Promise<Note>): Promise<void> => {
    const { line, settle } = model.ask(kind, name, n);
    settle(await outcomeOf(send(line)));
  };
  const chance = random.between(0, 100);
  if (chance < 12) return ask("plan", (line) => surface.plan(line, random.between(0, MOST_DELAY)));
  if (chance < 18) {
    const plan = model.planToCancel();
    if (plan !== undefined) return ask("cancel", (line) => surface.cancel(line, plan));
  }
  if (chance < 20) return ask("nap", (line) => surface.nap(line));
  if (chance < 22) return ask("start", (line) => surface.start(line));
  if (chance < 23) return ask("stop", (line) => surface.stop(line));
  if (chance < 24 && mortal) return ask("end", (line) => surface.end(line));
  if (chance < 25 && mortal) return destroy(url, model);
  return ask("call", (line) => surface.write(line));
}

/** Ends the present life as an operator does; it is over when that is answered. */
async function destroy(url: string, model: DiaryModel): Promise<void> {
  const { life } = model.position;
  if (life === "") return;
  const settle = model.destroy();
  const response = await fetch(`${url}/actors/${life}`, { method: "DELETE" }).catch(() => undefined);
  if (response === undefined || response.status === 503) return settle("lost");
  // It was over before.
  if (response.status === 404 || response.status === 400) return settle("refused");
  if (!response.ok) throw new Error(`DELETE was answered ${response.status} ${await response.text()}`);
  settle({ reply: undefined });
}

/** Waits for the server, and then for a moment that the seed says. False at the end. */
async function ready({ gate, random, stop, pause }: Visit): Promise<boolean> {
  await gate.opened;
  await delay(random.between(0, pause));
  return !stop.aborted;
}

/** One call after the other over HTTP. */
export async function callOverHttp(visit: Visit): Promise<void> {
  for (let n = 0; await ready(visit); n++) await call(visit, visit.diary, n);
}

/** Calls that may be in flight at once on a connection. */
const DEPTH = 4;

/**
 * Several calls at once over a connection, subscribed to the events. The connection comes back by itself after a
 * kill; when it was without a server `patience` times, the visitor drops it and opens another one, as a page that
 * is reloaded does.
 */
export async function callOverConnection(visit: Visit, patience: number): Promise<void> {
  const { name, stop, diary, model } = visit;
  const inFlight = new Set<Promise<void>>();
  let n = 0;
  while (await ready(visit)) {
    const connection = diary.connect({ name });
    let previous: Note | undefined;
    connection.on("noted", (note) => {
      model.event(name, note, previous);
      previous = note;
    });
    let isDue = false;
    let cut = 0;
    const due = new Promise<void>((resolve) => {
      connection.onStatusChange((status) => {
        if (status !== "disconnected") return;
        previous = undefined;
        cut += 1;
        isDue = cut >= patience;
        if (isDue) resolve();
      });
    });
    for (; !isDue && (await ready(visit)); n++) {
      const done: Promise<void> = call(visit, connection, n).finally(() => inFlight.delete(done));
      inFlight.add(done);
      if (inFlight.size >= DEPTH) await Promise.race([...inFlight, due]);
    }
    // What is still on its way at the end of the test gets its answer; what was cut off does not wait for one.
    if (!isDue && stop.aborted) await Promise.all(inFlight);
    await connection.dispose();
    await Promise.all(inFlight);
  }
}

/** Puts messages into both queues, and waits for the outcome of some. */
export async function publish(visit: Visit): Promise<void> {
  const { name, diary, model, random } = visit;
  for (let n = 0; await ready(visit); n++) {
    const kind = random.oneIn(2) ? "task" : "quick";
    const { line, settle } = model.ask(kind, name, n);
    const sent =
      kind === "task" && random.oneIn(3)
        ? diary.send("task", line, { wait: true }).then(({ response }) => response)
        : diary.send(kind, line).then(() => undefined);
    settle(await outcomeOf(sent.catch(storedAllTheSame)));
  }
}

/** The message is stored, only the sender that waits is not told what comes of it. */
function storedAllTheSame(error: unknown): undefined {
  if (error instanceof ActorError && error.code === "completion_waiter_dropped") return undefined;
  throw error;
}

/** Talks over raw WebSockets that hibernate, some time with each. */
export async function talk(visit: Visit): Promise<void> {
  const { name, diary, model, random } = visit;
  let n = 0;
  while (await ready(visit)) {
    const socket = await RawSocket.open(diary, "/talk").catch(() => undefined);
    if (socket === undefined || socket.socket.readyState !== 1) continue;
    const most = random.between(5, 40);
    for (let nth = 1; nth <= most && (await ready(visit)); nth++) {
      if (socket.socket.readyState !== 1) break;
      const { line, settle } = model.ask("message", name, n++);
      const outcome = await say(socket, line, nth);
      settle(outcome);
      if (typeof outcome !== "object") break;
    }
    socket.close();
  }
}

async function say(socket: RawSocket, line: string, nth: number): Promise<Outcome<Note>> {
  const answer = await socket.ask(line).catch(() => undefined);
  if (answer === undefined) return "lost";
  const { note, nth: counted } = JSON.parse(String(answer)) as { note: Note; nth: number };
  if (counted !== nth) throw new Error(`message ${nth} of a socket was its ${counted}th: ${line}`);
  return { reply: note };
}
