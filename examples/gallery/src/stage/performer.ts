/** One example that is kept running: the very program that `npm start` starts, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Backoff } from "./backoff.js";
import type { Example } from "./catalog.js";
import { portOrAny } from "./port.js";

/** What is said of a running, or not running, example. */
export type State =
  | { readonly is: "starting" }
  | { readonly is: "up"; readonly port: number; readonly pid: number }
  /** It ended, or did not start. It is started again at `againAt`, in milliseconds since the Unix epoch. */
  | { readonly is: "failed"; readonly problem: string; readonly againAt: number }
  | { readonly is: "ended" };

/** Where an example runs. */
export interface Place {
  readonly host: string;
  /** The port to take if it is free, or 0. */
  readonly port: number;
  readonly dataDir: string;
}

/** How long a start may take, and an end that was asked for. */
const START_MS = 60_000;
const END_MS = 8_000;

/** What makes an example end when this program does, however that ends. */
const FOLLOW = fileURLToPath(new URL("./follow-parent.js", import.meta.url));
/** How a module is loaded ahead of the program. */
const PRELOAD = process.versions.bun === undefined ? "--import" : "--preload";

export class Performer {
  readonly example: Example;
  /** How often it was started again. */
  restarts = 0;
  readonly #place: Place;
  readonly #changed: () => void;
  readonly #backoff = new Backoff();
  #state: State = { is: "starting" };
  /** The port of the last life: pages that are open know it. */
  #port: number;
  #child: ChildProcess | undefined;
  #again: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param changed Called after each change of the state. */
  constructor(example: Example, place: Place, changed: () => void) {
    this.example = example;
    this.#place = place;
    this.#port = place.port;
    this.#changed = changed;
  }

  get state(): State {
    return this.#state;
  }

  /** Starts it, and again whenever it ends. */
  async start(): Promise<void> {
    this.#become({ is: "starting" });
    const { host, dataDir } = this.#place;
    try {
      await mkdir(dataDir, { recursive: true });
      const port = await portOrAny(this.#port, host);
      if (!this.#isOver) this.#watch(this.#spawn(port));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error), 0);
    }
  }

  /** `kill -9`. Returns whether there was a process to kill. */
  kill(): boolean {
    return this.#child?.kill("SIGKILL") ?? false;
  }

  /** Ends it for good; resolves when the process is gone. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#again);
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
      await gone;
      clearTimeout(late);
    }
    this.#become({ is: "ended" });
  }

  #spawn(port: number): ChildProcess {
    const { host, dataDir } = this.#place;
    const { folder, script } = this.example;
    return spawn(process.execPath, [PRELOAD, FOLLOW, ...script], {
      cwd: folder,
      env: {
        ...process.env,
        GREENROOM_HOST: host,
        GREENROOM_PORT: String(port),
        GREENROOM_DATA_DIR: dataDir,
      },
      stdio: ["pipe", "pipe", "pipe"],
      // Ctrl-C in a terminal goes to the whole group. In one of its own, the example hears it from us, once.
      detached: process.platform !== "win32",
    });
  }

  /** Follows one life of the process. */
  #watch(child: ChildProcess): void {
    this.#child = child;
    let upAt: number | undefined;
    let said = "";
    const tooLate = setTimeout(() => {
      said = `it did not say where it serves within ${START_MS / 1_000} s`;
      child.kill("SIGKILL");
    }, START_MS);
    // A pipe to a process that is gone says so in "close", below.
    child.stdin?.on("error", () => {});
    lines(child.stdout, (line) => {
      const port = upAt === undefined ? portIn(line, this.#place.host) : undefined;
      if (port === undefined || child.pid === undefined) return;
      upAt = Date.now();
      clearTimeout(tooLate);
      this.#port = port;
      this.#become({ is: "up", port, pid: child.pid });
    });
    lines(child.stderr, (line) => {
      said = moreTelling(said, line.trim());
      process.stderr.write(`[${this.example.name}] ${line}\n`);
    });
    child.once("error", (error) => {
      said = error.message;
    });
    child.once("close", (code, signal) => {
      clearTimeout(tooLate);
      this.#child = undefined;
      const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
      this.#fail(
        said === "" ? `It ${how}.` : `It ${how}: ${said}`,
        upAt === undefined ? 0 : Date.now() - upAt,
      );
    });
  }

  #fail(problem: string, upFor: number): void {
    if (this.#isOver) return;
    const wait = this.#backoff.next(upFor);
    this.restarts += 1;
    this.#become({ is: "failed", problem, againAt: Date.now() + wait });
    this.#again = setTimeout(() => void this.start(), wait);
  }

  #become(state: State): void {
    this.#state = state;
    this.#changed();
  }
}

/** Of two lines on standard error the one that says more of why a program ended: an error, else the later one. */
function moreTelling(before: string, line: string): string {
  const isError = /^(\w+: )?\w*Error\b/;
  const isNoise = line === "" || line.startsWith("at ") || line.startsWith("Node.js v");
  return isNoise || (isError.test(before) && !isError.test(line)) ? before : line;
}

/** The port of an address of this machine in a line: every server prints where it serves. */
function portIn(line: string, host: string): number | undefined {
  for (const [, name, port] of line.matchAll(/https?:\/\/([^\s/]+):(\d+)/g)) {
    if (name === host || name === `[${host}]` || name === "localhost" || name === "127.0.0.1")
      return Number(port);
  }
  return undefined;
}

function lines(stream: Readable | null, each: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on("line", each);
}
