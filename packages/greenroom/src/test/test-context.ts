/** What test runners hand to a test, as far as it is needed: a way to be told of the end. */

/** The context of a test of vitest (`onTestFinished`), of `node:test` (`after`), or anything like them. */
export type TestContext =
  | { onTestFinished(work: () => Promise<void>): unknown }
  | { after(work: () => Promise<void>): unknown };

/** Runs `work` at the end of the test. @throws TypeError if `context` is no context of a test */
export function atEnd(context: TestContext, work: () => Promise<void>): void {
  const { onTestFinished, after } = (context ?? {}) as {
    onTestFinished?: (work: () => Promise<void>) => unknown;
    after?: (work: () => Promise<void>) => unknown;
  };
  if (typeof onTestFinished === "function") onTestFinished.call(context, work);
  else if (typeof after === "function") after.call(context, work);
  else {
    throw new TypeError(
      "setupTest takes the context of the test first: `test(name, async (t) => { await setupTest(t, registry) })`; " +
        "where there is none, pass `{ after: (work) => ... }` that runs `work` at the end of the test",
    );
  }
}
