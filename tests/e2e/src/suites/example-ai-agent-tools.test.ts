/** The agent's tools and what its fake model understands, without a server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wishesIn } from "../../../../examples/ai-agent/dist/model/intents.js";
import { evaluate } from "../../../../examples/ai-agent/dist/tools/arithmetic.js";
import { applyTool } from "../../../../examples/ai-agent/dist/tools/index.js";

const nobody = () => ({ notes: [] as string[] });

test("arithmetic has its usual rules", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["2 ^ 3 ^ 2", 512],
    ["-2 ^ 2", -4],
    ["(-2) ^ 2", 4],
    ["2 ^ -1", 0.5],
    ["7 % 4 - -1", 4],
    ["8 / 2 / 2", 2],
    ["1,234,567 + 1", 1_234_568],
    ["0.1 + 0.2", 0.3],
    ["3 × 4 ÷ 2 − 1", 5],
    ["sqrt(16) + abs(-3) + round(2.5)", 10],
    ["2 * pi", Number((2 * Math.PI).toPrecision(12))],
    ["1.5e3", 1_500],
    [".5 + 5.", 5.5],
  ];
  for (const [expression, result] of cases) assert.equal(evaluate(expression), result, expression);
});

test("what is not arithmetic is refused, and nothing of it runs", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /ends too early/],
    ["1 +", /ends too early/],
    ["1 2", /nothing was expected before `2`/],
    ["(1", /not closed/],
    ["1)", /nothing was expected/],
    ["1 / 0", /division by zero/],
    ["5 % 0", /division by zero/],
    ["10 ^ 1000", /finite/],
    ["sqrt(-1)", /finite/],
    ["sqrt 4", /needs parentheses/],
    ["process.exit()", /`\.exit\(\)` is not arithmetic/],
    ["constructor", /not known/],
    ["globalThis", /not known/],
    ["1; 2", /not arithmetic/],
    ["`1`", /not arithmetic/],
    ["(".repeat(100), /50 levels/],
    ["-".repeat(100), /50 levels/],
    ["2^".repeat(100), /50 levels/],
    ["1+".repeat(300), /500 characters/],
  ];
  for (const [expression, reason] of cases) assert.throws(() => evaluate(expression), reason, expression);
});

test("whatever is evaluated gives a finite number or an error with a sentence", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0123456789.,+-*/%^() episqrtabs"), maxLength: 60 });
  fc.assert(
    fc.property(text, (expression) => {
      try {
        assert.ok(Number.isFinite(evaluate(expression)));
      } catch (error) {
        assert.ok(
          error instanceof Error && error.constructor === Error && error.message.length > 10,
          String(error),
        );
      }
    }),
  );
});

test("sums of whole numbers are what JavaScript makes of them", () => {
  const number = fc.integer({ min: -999, max: 999 });
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      assert.equal(evaluate(`${a} + ${b} * (${c} - ${a})`), a + b * (c - a));
    }),
  );
});

test("a tool gets what the model wrote, whatever that is, and never throws", async () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["rm", "{}", /no tool `rm`/],
    ["toString", "{}", /no tool/],
    ["calculator", "6*7", /not JSON/],
    ["calculator", "[]", /not an object/],
    ["calculator", "null", /not an object/],
    ["calculator", "", /`expression` has to be some text/],
    ["calculator", '{"expression":7}', /some text/],
    ["notes", '{"do":"burn"}', /add, list or remove/],
    ["notes", '{"do":"add","text":" "}', /some text/],
    ["notes", '{"do":"remove","number":1}', /no note 1/],
    ["clock", '{"timeZone":"Mars/Olympus"}', /no time zone/],
  ];
  for (const [tool, input, reason] of cases) {
    const { isError, text } = await applyTool(tool, input, nobody());
    assert.ok(isError, `${tool} ${input}: ${text}`);
    assert.match(text, reason);
  }
});

test("notes are kept once, in order, and not without end", async () => {
  const desk = nobody();
  const notes = (input: object) => applyTool("notes", JSON.stringify(input), desk);
  await notes({ do: "add", text: "milk" });
  await notes({ do: "add", text: "bread" });
  await notes({ do: "add", text: "milk" });
  assert.deepEqual(desk.notes, ["milk", "bread"]);
  assert.equal((await notes({ do: "remove", number: 1 })).text, "1. bread");
  for (let count = 0; count < 99; count++) await notes({ do: "add", text: `note ${count}` });
  assert.match((await notes({ do: "add", text: "one too many" })).text, /there are 100 notes/);
  await notes({ do: "remove", number: 1 });
  await notes({ do: "add", text: "x".repeat(1_000) });
  assert.equal(desk.notes.at(-1)?.length, 300);
});

test("the fake model finds in plain sentences what its tools are for", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["What is 12 * (3 + 4)?", ['calculator {"expression":"12 * (3 + 4)"}']],
    ["what's 17% of 2,340, please", ['calculator {"expression":"2,340 * 17 / 100"}']],
    ["How much is seven? I mean 7 times 6.", ['calculator {"expression":"7 * 6"}']],
    ["square root of 144", ['calculator {"expression":"sqrt(144)"}']],
    ["(is 3 plus 4 more than 6?)", ['calculator {"expression":"3 + 4"}']],
    ["I was born in 1990", []],
    ["Count to 40", []],
    ["remember that the door code is blue", ['notes {"do":"add","text":"the door code is blue"}']],
    ["Put eggs on my list", ['notes {"do":"add","text":"eggs"}']],
    ["What are my notes?", ['notes {"do":"list"}']],
    ["remove note 2", ['notes {"do":"remove","number":2}']],
    ["What time is it?", ["clock {}"]],
    ["what time is it in New York", ['clock {"timeZone":"America/New_York"}']],
    ["What is 2+2 and what time is it?", ['calculator {"expression":"2+2"}', "clock {}"]],
  ];
  for (const [said, calls] of cases)
    assert.deepEqual(
      wishesIn(said).map(({ name, input }) => `${name} ${JSON.stringify(input)}`),
      calls,
      said,
    );
});
