/**
 * `kill -9` of the server again and again: while it works, while it starts and recovers, while it shuts down. Meanwhile
 * visitors use diaries in every way: state, pairs, queues, plans and jobs, connections and their events, raw WebSockets
 * that hibernate, sleep, destruction and re-creation. After each restart a model of what they were told is held against
 * what there is: nothing acknowledged is missing, nothing has happened twice.
 *
 * `KILL_SEED` replays the plan and the choices of a run (the moments depend on the machine, too), `KILL_ROUNDS` sets how
 * often the server is killed.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { digestWith, NOTHING, pairKey, type Reading } from "../kill/lines.js";
import { DiaryModel } from "../kill/model.js";
import { planOf } from "../kill/plan.js";
import { siege } from "../kill/siege.js";

const SEED = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 32));
const KILLS = Number(process.env.KILL_ROUNDS ?? (process.env.GREENROOM_E2E_RUNTIME === "bun" ? 10 : 30));

test(`nothing acknowledged is lost or doubled over ${KILLS} kills (KILL_SEED=${SEED})`, async (t) => {
  const plan = planOf(SEED, KILLS);
  const figures = await siege({ seed: SEED, plan });
  t.diagnostic(`seed ${SEED}: ${JSON.stringify(figures)}`);
  assert.ok(figures.kills >= KILLS && figures.acknowledged > KILLS * 10, "work was done between the kills");
  assert.ok(figures.lost > 0 && figures.events > 0, "kills hit calls in flight");
  assert.ok(figures.fired > 0 && figures.lives > 9, "plans were due, and lives ended");
});

test("a server that answers before it stores is found out", async (t) => {
  const plan = planOf(SEED, 20);
  await assert.rejects(siege({ seed: SEED, plan, env: { KILL_PLANT: "relaxed" } }), (error: unknown) => {
    assert.ok(error instanceof assert.AssertionError, String(error));
    t.diagnostic(error.message.split("\n")[0] ?? "");
    return true;
  });
});

/** A model that was told of five things, and a reading of the diary that has them all. */
function told(): { model: DiaryModel; reading: Reading } {
  const model = new DiaryModel("told");
  const lines = ["born", "wake", "call a 0", "plan a 1 planned", "task b 0", "call a 2", "start a 3 on"];
  const note = (place: number) => ({ reply: { life: "one", place, line: lines[place] ?? "" } });
  model.ask("call", "a", 0).settle(note(2));
  model.ask("plan", "a", 1).settle(note(3));
  model.ask("task", "b", 0).settle({ reply: undefined });
  model.ask("call", "a", 2).settle("lost");
  model.ask("start", "a", 3).settle(note(6));
  model.ask("call", "a", 4).settle("refused");
  model.event("c", { life: "one", place: 5, line: "call a 2" }, undefined);
  return { model, reading: readingOf(lines, ["plan a 1"], ["tick"]) };
}

const readingOf = (lines: readonly string[], plans: readonly string[], jobs: readonly string[]): Reading => ({
  ...{ life: "one", from: 0, digest: NOTHING, lines, plans, jobs },
  pairs: [...lines.map((line, i) => [pairKey(i), line] as const), ["lines", String(lines.length)]],
});

test("the model takes what is right, and nothing that is not", () => {
  const right = told();
  right.model.check(right.reading, right.model.knowledge());
  assert.deepEqual(right.model.owed(), ["plan a 1 (planned)"]);
  const again = {
    ...right.reading,
    from: 7,
    lines: [],
    digest: right.reading.lines.reduce(digestWith, NOTHING),
  };
  right.model.check(again, right.model.knowledge());

  const { lines, plans, jobs, pairs } = right.reading;
  const swapped = lines.with(2, lines[4] ?? "").with(4, lines[2] ?? "");
  const wrong: Readonly<Record<string, Reading>> = {
    "the last line is lost": readingOf(lines.slice(0, -1), plans, []),
    "a line within is lost": readingOf(lines.toSpliced(4, 1), plans, jobs),
    "an event is lost": readingOf(lines.slice(0, 5), plans, []),
    "a line is there twice": readingOf([...lines, "call a 2"], plans, jobs),
    "two lines changed places": readingOf(swapped, plans, jobs),
    "a line that nobody asked for": readingOf([...lines, "call a 9"], plans, jobs),
    "a line that was refused": readingOf([...lines, "call a 4"], plans, jobs),
    "all is gone": readingOf(["born", "wake"], [], []),
    "another life that nobody began": { ...readingOf(["born"], [], []), life: "two" },
    "the plan is forgotten": readingOf(lines, [], jobs),
    "the plan was early": readingOf([...lines, "plan a 1 fired -1"], [], jobs),
    "the plan fired and waits": readingOf([...lines, "plan a 1 fired 1"], plans, jobs),
    "the plan fired twice": readingOf([...lines, "plan a 1 fired 1", "plan a 1 fired 1"], [], jobs),
    "the job is forgotten": readingOf(lines, plans, []),
    "the job ran twice": readingOf([...lines, "tick 5", "tick 5"], plans, jobs),
    "a pair is missing": { ...right.reading, pairs: pairs.slice(1) },
    "a pair is older": { ...right.reading, pairs: pairs.slice(0, -1).concat([["lines", "6"]]) },
  };
  for (const [what, reading] of Object.entries(wrong)) {
    const { model } = told();
    assert.throws(() => model.check(reading, model.knowledge()), assert.AssertionError, what);
  }
  const ended = told();
  const end = { life: "one", place: lines.length, line: "end a 5" };
  ended.model.ask("end", "a", 5).settle({ reply: end });
  const livesOn = readingOf([...lines, end.line], plans, jobs);
  assert.throws(() => ended.model.check(livesOn, ended.model.knowledge()), assert.AssertionError);
  const changed = { ...again, digest: again.digest ^ 1 };
  assert.throws(() => right.model.check(changed, right.model.knowledge()), assert.AssertionError);
});
