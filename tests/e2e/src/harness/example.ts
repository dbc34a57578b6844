/** The examples of web frameworks, each as the process that its README starts. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { ROOT, runtimeCommand } from "./paths.js";
import { freePort } from "./server.js";

/** Where the examples are. They have packages of their own, which the tests install. */
export const FRAMEWORKS = join(ROOT, "examples/frameworks");

/** How long one may take to build or to start, in milliseconds. */
const PATIENCE = 120_000;

/** A program and its arguments. */
type Command = readonly [program: string, ...args: string[]];

/** A program that runs in the folder of an example. */
export class Example {
  readonly url: string;
  readonly port: number;
  /** Everything that it has written so far. */
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #dataDir: string;

  private constructor(
    command: Command,
    name: string,
    port: number,
    dataDir: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#dataDir = dataDir;
    this.#child = start(command, name, {
      PORT: String(port),
      GREENROOM_PORT: String(port),
      GREENROOM_DATA_DIR: dataDir,
      ...env,
    });
    const collect = (text: string): void => {
      this.output += text;
    };
    this.#child.stdout?.setEncoding("utf8").on("data", collect);
    this.#child.stderr?.setEncoding("utf8").on("data", collect);
    this.#ended = once(this.#child, "exit").then(([code]) => code as number | null);
  }

  /**
   * Starts one and waits until `path` is answered.
   *
   * @param command What its script `start` runs, as {@link node} and {@link on} make it; gets the port.
   * @param env Beside the usual variables, which say where its port and its data are.
   */
  static async start(
    name: string,
    command: (port: number) => Command,
    path = "/",
    env: Readonly<Record<string, string>> = {},
  ): Promise<Example> {
    if (!existsSync(join(FRAMEWORKS, "node_modules"))) {
      throw new Error(`run \`npm install\` in ${FRAMEWORKS}: the tests use its packages`);
    }
    const port = await freePort();
    const dataDir = await mkdtemp(join(tmpdir(), "greenroom-example-"));
    const example = new Example(command(port), name, port, dataDir, env);
    try {
      await Promise.race([
        eventually(async () => void (await fetch(example.url + path)), { within: PATIENCE }),
        example.#ended.then((code) => {
          throw new Error(`${name} ended (${code}) before it served:\n${example.output}`);
        }),
      ]);
    } catch (error) {
      await example.dispose();
      throw error;
    }
    return example;
  }

  /** Sends SIGTERM and gives the exit code; null if that ended it without further ado. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#ended;
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** Runs a program in an example's folder to its end. @throws Error with its output if that is no success */
export async function run(name: string, command: Command): Promise<void> {
  const child = start(command, name, {});
  let output = "";
  const collect = (text: string): void => {
    output += text;
  };
  child.stdout?.setEncoding("utf8").on("data", collect);
  child.stderr?.setEncoding("utf8").on("data", collect);
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command.join(" ")} in ${name} ended with ${code}:\n${output}`);
}

function start(
  [program, ...args]: Command,
  name: string,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([key]) => !/^(GREENROOM_|NODE_TEST)/.test(key));
  return spawn(program, args, {
    cwd: join(FRAMEWORKS, name),
    env: { ...Object.fromEntries(inherited), NEXT_TELEMETRY_DISABLED: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** `script` on Node.js. */
export function node(...script: string[]): Command {
  return [process.execPath, ...script];
}

/** `script` on another runtime. */
export function on(runtime: "bun" | "deno", script: string): Command {
  const [program, ...args] = runtimeCommand(runtime);
  return [program, ...args, script];
}

/** A program of an installed package. */
export function tool(path: string): string {
  return join(FRAMEWORKS, "node_modules", path);
}
