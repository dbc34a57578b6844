/** Where a registry comes from, in programs that allow less than others. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

test("a registry can be made where `Error` is frozen, or a part of it", () => {
  const { href } = new URL("../../dist/index.js", import.meta.url);
  for (const harden of [
    "Object.freeze(Error)",
    'Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: false, configurable: false })',
  ]) {
    const program = `
      const { actor, setup } = await import(${JSON.stringify(href)});
      ${harden};
      const before = Error.prepareStackTrace;
      setup({ use: { quiet: actor({ actions: {} }) } });
      console.log(Error.prepareStackTrace === before ? "made" : "made, and has left something behind");`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(output, "made\n", harden);
  }
});
