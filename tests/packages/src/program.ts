/** Running programs, with errors that show what they printed. */
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

const { resolve } = createRequire(import.meta.url);

/** The Bun of the repository. */
export const BUN = join(dirname(resolve("bun/package.json")), "bin/bun.exe");
/** The TypeScript of the repository. */
export const TSC = join(dirname(resolve("typescript/package.json")), "bin/tsc");

/** How long a program may take that ends by itself, in milliseconds: many times what the longest needs. */
const LIMIT = 120_000;

/** Where and how a program runs. */
export interface Place {
  readonly cwd: string;
  /** Set in its environment, on top of ours. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, and gives what it prints. @throws Error with its output if it fails. */
export function run(program: string, args: readonly string[], place: Place): Promise<string> {
  const options = { cwd: place.cwd, env: environment(place), timeout: LIMIT, maxBuffer: 2 ** 26 };
  return new Promise((done, fail) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
    });
  });
}

/** Starts a program that runs until the test ends, and gives the first line that it prints. */
export async function firstLine(
  t: TestContext,
  program: string,
  args: readonly string[],
  place: Place,
): Promise<string> {
  const child = spawn(program, args, {
    cwd: place.cwd,
    env: environment(place),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((gone) => child.once("close", gone));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const lines = createInterface({ input: child.stdout });
  return new Promise((line, fail) => {
    lines.once("line", line);
    child.once("error", fail);
    child.once("close", () =>
      fail(new Error(`${program} ${args.join(" ")} ended without a word\n${complaint}`)),
    );
  });
}

/** Our environment without what `npm run` puts there, which would be settings of every npm inside it. */
function environment(place: Place): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  return { ...Object.fromEntries(inherited), ...place.env };
}
