/**
 * What the visitors of one diary know about it, and what must be true of it because of that.
 *
 * Whatever is asked of a diary has a line of its own, so its effect can be found: once if it was acknowledged, at the
 * place that the reply named; never if it was refused; once or not at all if nobody knows. Events name places as
 * well. Lines that were found once stay where they are for as long as the life of the actor that wrote them.
 */
import assert from "node:assert/strict";
import { digestWith, NOTHING, type Note, PAIRS, pairKey, type Reading } from "./lines.js";
import type { Outcome } from "./outcome.js";

/** What was asked of the diary. The line of each begins with `{kind} {visitor} {n} `. */
export type Kind =
  | "call"
  | "plan"
  | "cancel"
  | "start"
  | "stop"
  | "nap"
  | "end"
  | "message"
  | "task"
  | "quick";

/** A line that somebody was told of. */
interface Claim extends Note {
  readonly why: string;
}

interface Asked {
  readonly kind: Kind;
  readonly line: string;
  readonly visitor: string;
  readonly n: number;
  /** How many destructions had certainly come to their end when it was asked. */
  readonly ends: number;
  outcome: Outcome<Note | undefined> | "pending";
  /** Where it was found. */
  found?: { readonly life: string; readonly place: number };
}

interface Plan {
  readonly asked: Asked;
  fired: boolean;
  /** Somebody tried to cancel it, which may have worked. */
  cancelling: boolean;
  cancelled: boolean;
}

/** What is known at one moment, and has to be true of every reading that begins after it. */
export interface Knowledge {
  readonly claims: readonly Claim[];
  readonly ended: ReadonlySet<string>;
  readonly plans: readonly Plan[];
  readonly ends: number;
}

interface Life {
  readonly id: string;
  readonly lines: string[];
  digest: number;
  jobOn: boolean;
  lastTick: number;
}

/** Before the first reading. */
const NOBODY: Life = { id: "", lines: [], digest: NOTHING, jobOn: false, lastTick: 0 };

export class DiaryModel {
  readonly name: string;
  readonly #asked = new Map<string, Asked>();
  readonly #plans = new Map<string, Plan>();
  /** Places that replies and events named, and that no reading has shown yet. */
  #claims: Claim[] = [];
  /** Lives that were ended with an acknowledgement. */
  readonly #ended = new Set<string>();
  /** Lives that readings have shown and that are over. */
  readonly #past = new Set<string>();
  readonly #ends = { asked: 0, settled: 0, refused: 0 };
  /** What readings have shown of the present life. */
  #life: Life = { ...NOBODY };
  /** The last number found of each kind and visitor. */
  readonly #order = new Map<string, number>();
  /** Connections that the present life has seen. */
  readonly #inside = new Map<string, "in" | "out">();
  readonly totals = {
    acknowledged: 0,
    refused: 0,
    lost: 0,
    events: 0,
    fired: 0,
    ticks: 0,
    wakes: 0,
    lives: 0,
    ended: 0,
  };

  constructor(name: string) {
    this.name = name;
  }

  /** What is to be read next: what comes after the lines that are known already. */
  get position(): { readonly life: string; readonly length: number } {
    return { life: this.#life.id, length: this.#life.lines.length };
  }

  /** Something is about to be asked. The returned function takes its outcome. */
  ask(
    kind: Kind,
    visitor: string,
    n: number,
  ): { line: string; settle: (outcome: Outcome<Note | undefined>) => void } {
    const line = `${kind} ${visitor} ${n}`;
    const asked: Asked = { kind, line, visitor, n, ends: this.#ends.settled, outcome: "pending" };
    this.#asked.set(line, asked);
    if (kind === "plan") this.#plans.set(line, { asked, fired: false, cancelling: false, cancelled: false });
    if (kind === "end") this.#ends.asked += 1;
    const settle = (outcome: Outcome<Note | undefined>): void => {
      asked.outcome = outcome;
      this.totals[typeof outcome === "object" ? "acknowledged" : outcome] += 1;
      if (kind === "end") {
        this.#ends.settled += 1;
        if (outcome === "refused") this.#ends.refused += 1;
      }
      if (typeof outcome !== "object" || outcome.reply === undefined) return;
      const note = outcome.reply;
      assert.ok(note.line.startsWith(line), `${this.name} answered ${line} with the line ${note.line}`);
      this.#claims.push({ ...note, why: "was acknowledged" });
      // The end comes after the reply, but nobody gets to read what was there before.
      if (kind === "end") this.#ended.add(note.life);
    };
    return { line, settle };
  }

  /** The present life is about to be ended from outside. The returned function takes the outcome. */
  destroy(): (outcome: Outcome<unknown>) => void {
    const { id } = this.#life;
    this.#ends.asked += 1;
    return (outcome) => {
      this.#ends.settled += 1;
      if (outcome === "refused") this.#ends.refused += 1;
      if (typeof outcome !== "object") return;
      this.totals.ended += 1;
      this.#ended.add(id);
    };
  }

  /** A plan of the present life that may be cancelled, and is going to be. */
  planToCancel(): string | undefined {
    for (const [line, plan] of this.#plans) {
      if (plan.fired || plan.cancelling || typeof plan.asked.outcome !== "object") continue;
      plan.cancelling = true;
      return line;
    }
    return undefined;
  }

  /** A subscriber was told of a line. */
  event(subscriber: string, note: Note, previous: Note | undefined): void {
    this.totals.events += 1;
    if (previous?.life === note.life) {
      assert.equal(note.place, previous.place + 1, `the events of ${this.name} at ${subscriber} have a gap`);
    }
    this.#claims.push({ ...note, why: `was an event at ${subscriber}` });
  }

  knowledge(): Knowledge {
    return {
      claims: [...this.#claims],
      ended: new Set(this.#ended),
      plans: [...this.#plans.values()].filter(({ asked }) => typeof asked.outcome === "object"),
      ends: this.#ends.asked - this.#ends.refused,
    };
  }

  /** Checks a reading that was made after `known` was known. */
  check(reading: Reading, known: Knowledge): void {
    this.#checkLife(reading, known);
    this.#checkBeginning(reading);
    for (const [i, line] of reading.lines.entries()) this.#read(line, reading, reading.from + i);
    this.#checkClaims(reading, known);
    this.#checkPairs(reading);
    this.#checkPlans(reading, known);
    assert.deepEqual(
      reading.jobs,
      this.#life.jobOn ? ["tick"] : [],
      `${this.name} has other jobs than its log says`,
    );
  }

  /** What was acknowledged and has to have an effect by itself, and has had none. */
  owed(): string[] {
    const nobodyElse = ({ ends }: Asked) => ends === this.#ends.asked;
    const owed: string[] = [];
    for (const asked of this.#asked.values()) {
      if (asked.kind !== "task" && asked.kind !== "quick") continue;
      if (typeof asked.outcome === "object" && asked.found === undefined && nobodyElse(asked))
        owed.push(asked.line);
    }
    for (const [line, { asked, fired, cancelling }] of this.#plans) {
      if (typeof asked.outcome !== "object" || !nobodyElse(asked)) continue;
      if (!fired && !cancelling) owed.push(`${line} (planned)`);
    }
    return owed;
  }

  /** Whether a job is at work that should tick. */
  get ticks(): boolean {
    return this.#life.jobOn;
  }

  #checkLife({ life }: Reading, known: Knowledge): void {
    assert.ok(!known.ended.has(life), `${this.name} lives on in ${life}, whose end was acknowledged`);
    if (life === this.#life.id) return;
    assert.ok(!this.#past.has(life), `${this.name} is back in a life that was over`);
    if (this.#life.id !== "") this.#past.add(this.#life.id);
    const ends = this.#ends.asked - this.#ends.refused;
    assert.ok(this.#past.size <= ends, `${this.name} began life ${this.#past.size + 1} after ${ends} ends`);
    this.#life = { ...NOBODY, id: life, lines: [] };
    this.#inside.clear();
    this.totals.lives += 1;
  }

  /** What was read before is still there, and nothing of it has changed. */
  #checkBeginning({ from, digest }: Reading): void {
    const { length } = this.#life.lines;
    assert.equal(from, length, `${this.name} lost lines: ${from} are left of ${length}`);
    assert.equal(digest, this.#life.digest, `${this.name} changed lines that were read before`);
  }

  #read(line: string, { life }: Reading, place: number): void {
    this.#life.lines.push(line);
    this.#life.digest = digestWith(this.#life.digest, line);
    const [kind = "", visitor = "", number = "", verb = "", what = ""] = line.split(" ");
    assert.equal(kind === "born", place === 0, `${this.name} has ${line} at ${place}`);
    switch (kind) {
      case "born":
        return;
      case "wake":
        this.totals.wakes += 1;
        return;
      case "enter":
      case "leave":
        assert.equal(this.#inside.get(visitor), kind === "enter" ? undefined : "in", `${this.name}: ${line}`);
        this.#inside.set(visitor, kind === "enter" ? "in" : "out");
        return;
      case "tick":
        assert.ok(this.#life.jobOn, `${this.name} ticks at ${place}, and its job is deleted`);
        assert.ok(Number(visitor) > this.#life.lastTick, `${this.name} ran its job of ${visitor} twice`);
        this.#life.lastTick = Number(visitor);
        this.totals.ticks += 1;
        return;
    }
    if (verb === "fired") {
      this.#fired(`${kind} ${visitor} ${number}`, Number(what));
      return;
    }
    const asked = this.#asked.get(`${kind} ${visitor} ${number}`);
    assert.ok(asked, `${this.name} has ${line}, which nobody asked for`);
    assert.notEqual(asked.outcome, "refused", `${this.name} has ${line}, which was refused`);
    assert.equal(asked.found, undefined, `${this.name} has ${line} twice, and nobody repeated it`);
    asked.found = { life, place };
    const sequence = `${kind} ${visitor}`;
    const last = this.#order.get(sequence) ?? -1;
    assert.ok(asked.n > last, `${this.name} has ${line} behind number ${last} of the same visitor`);
    this.#order.set(sequence, asked.n);
    if (verb === "on" || verb === "off") this.#life.jobOn = verb === "on";
    const plan = line.split(" ").slice(4).join(" ");
    if (verb === "cancelled") this.#cancelled(plan);
    if (verb === "missed") this.#missed(plan, life);
  }

  #fired(line: string, late: number): void {
    const plan = this.#plans.get(line);
    assert.ok(plan, `${this.name} fired ${line}, which nobody planned`);
    assert.ok(!plan.fired, `${this.name} fired ${line} twice`);
    assert.ok(!plan.cancelled, `${this.name} fired ${line} after it was cancelled`);
    assert.ok(late >= 0, `${this.name} fired ${line} ${-late} ms early`);
    assert.ok(plan.asked.found, `${this.name} fired ${line} before it was planned`);
    plan.fired = true;
    this.totals.fired += 1;
  }

  #cancelled(line: string): void {
    const plan = this.#plans.get(line);
    assert.ok(plan && !plan.fired, `${this.name} cancelled ${line}, which it has fired`);
    plan.cancelled = true;
  }

  #missed(line: string, life: string): void {
    const plan = this.#plans.get(line);
    if (plan?.asked.found?.life !== life) return;
    assert.ok(plan.fired, `${this.name} could not cancel ${line}, which it has not fired`);
  }

  /** Every line that somebody was told of is at its place, or went with its life. */
  #checkClaims({ life }: Reading, known: Knowledge): void {
    for (const { life: then, place, line, why } of known.claims) {
      if (then === life) {
        assert.equal(this.#life.lines[place], line, `${this.name} lost or moved ${line}, which ${why}`);
      } else {
        assert.ok(known.ends > 0, `${this.name}: ${line} ${why} in ${then}, but nobody ended that life`);
      }
    }
    this.#claims = this.#claims.slice(known.claims.length);
  }

  /** The pairs are of the same turn as the state. */
  #checkPairs({ pairs }: Reading): void {
    const { lines } = this.#life;
    const first = Math.max(0, lines.length - PAIRS);
    const expected = lines.slice(first).map((line, i) => [pairKey(first + i), line]);
    assert.deepEqual(
      pairs,
      [...expected, ["lines", String(lines.length)]],
      `${this.name} has pairs that are not of the same turn as its state`,
    );
  }

  /** An acknowledged plan waits, has fired or was cancelled; one that waits has not fired. */
  #checkPlans({ life, plans }: Reading, known: Knowledge): void {
    const waiting = new Set(plans);
    assert.equal(waiting.size, plans.length, `${this.name} has a plan twice`);
    for (const line of waiting) {
      const plan = this.#plans.get(line);
      assert.ok(
        plan?.asked.found?.life === life,
        `${this.name} has ${line} among its plans, but not in its log`,
      );
      assert.ok(!plan.fired && !plan.cancelled, `${this.name} still plans ${line}`);
    }
    for (const { asked, fired, cancelling } of known.plans) {
      if (asked.found?.life !== life || fired || cancelling) continue;
      assert.ok(waiting.has(asked.line), `${this.name} forgot ${asked.line}`);
    }
  }
}
