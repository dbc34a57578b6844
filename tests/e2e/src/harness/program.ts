/** Programs that the suites run to their end, or until they are told to stop. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type Runtime, runtimeCommand } from "./paths.js";

/** How a program is run. */
export interface ProgramOptions {
  readonly args?: readonly string[];
  /** Replaces what the tests were started with; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Default: the runtime under test. */
  readonly runtime?: Runtime;
}

/** How a program ended. */
export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that stops itself within this time, in milliseconds, or is killed, which gives it the code `null`. */
const PATIENCE = 120_000;

/**
 * What a program wrote to standard error, without the remarks about an event loop that did not go on: on a busy machine
 * that can happen to all of them.
 */
export const complaints = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => !line.includes(" WARN greenroom_node::watch: "))
    .join("\n");

/** A script that runs. It does not see the `GREENROOM_*` variables of the tests. */
export class Program {
  stdout = "";
  stderr = "";
  /** Settles when it has ended. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;

  constructor(script: string, { args = [], env = {}, cwd, runtime }: ProgramOptions = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("GREENROOM_"));
    const [program, ...first] = runtimeCommand(runtime);
    const child = spawn(program, [...first, script, ...args], {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    this.ended = once(child, "close").then(([code]) => {
      clearTimeout(timer);
      return { code: code as number | null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Waits until its output matches, and gives the match. @throws Error if it ends before that. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      const next = once(this.#child.stdout ?? this.#child, "data").then(() => undefined);
      const ending = await Promise.race([next, this.ended]);
      if (ending !== undefined && !pattern.test(this.stdout)) {
        throw new Error(`it ended (${ending.code}) without saying ${pattern}:\n${this.stdout}${this.stderr}`);
      }
    }
  }

  /** Sends a signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(signal);
    return this.ended;
  }
}
