import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithSuite } from "./leftovers.js";
import { DIST, runtimeCommand } from "./paths.js";

/** How a server process is started. */
export interface ServerOptions {
  /** The script to run. Default: the suites' own server. */
  readonly script?: string;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where data lives. Default: a fresh directory that goes with the server. */
  readonly dataDir?: string;
  /** Default: a free one, kept across restarts. */
  readonly port?: number;
}

/** Where ports come from: below those that operating systems give to outgoing connections. */
const PORTS = { first: 12_000, count: 18_000 } as const;

/** How many of them a process that runs tests has for itself, as far as there are enough: others run beside it. */
const OWN = 100;

let next = Math.floor(Math.random() * OWN);

/**
 * A port that is free, and that stays free while its server is down: no connection is given it for its own end, as
 * could happen to one that the operating system chose.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const slice = process.pid % (PORTS.count / OWN);
    const port = PORTS.first + slice * OWN + (next++ % OWN);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  probe.close();
  await once(probe, "close");
  return true;
}

/** A real server process, on the runtime under test. It can be killed and started again on its data. */
export class ServerProcess {
  readonly url: string;
  readonly dataDir: string;
  readonly port: number;
  /** Everything that the processes wrote to stderr so far. */
  stderr = "";
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;

  private constructor(options: ServerOptions, dataDir: string, port: number) {
    this.#options = options;
    this.dataDir = dataDir;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts a server and waits until it serves. It does not outlive the suite. */
  static async start(options: ServerOptions = {}): Promise<ServerProcess> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "greenroom-e2e-")));
    const server = new ServerProcess(options, dataDir, options.port ?? (await freePort()));
    endWithSuite(() => server.dispose());
    await server.restart();
    return server;
  }

  /** Starts the process (again) and waits until it serves. */
  async restart(): Promise<void> {
    const child = this.#spawn();
    this.#child = child;
    const exited = once(child, "exit").then(([code, signal]) => {
      throw new Error(`the server ended (${code ?? signal}) before it served:\n${this.stderr}`);
    });
    if (!child.stdout) throw new Error("stdout is a pipe");
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
        if (line.includes(this.url)) return;
      }
      throw new Error(`the server closed its output before it served:\n${this.stderr}`);
    })();
    try {
      await Promise.race([ready, exited]);
    } finally {
      exited.catch(() => {});
      ready.catch(() => {});
    }
    child.stdout.resume();
  }

  #spawn(): ChildProcess {
    const script = this.#options.script ?? join(DIST, "server/main.js");
    const [program, ...first] = runtimeCommand();
    const child = spawn(program, [...first, script], {
      env: {
        ...process.env,
        GREENROOM_DATA_DIR: this.dataDir,
        GREENROOM_PORT: String(this.port),
        GREENROOM_HOST: "127.0.0.1",
        ...this.#options.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    return child;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Settles with the exit code when the process ends by itself; `null` if a signal ended it. */
  get ended(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) throw new Error("the server does not run");
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    return once(child, "exit").then(([code]) => code as number | null);
  }

  /** Sends `signal` and waits for the end. Returns the exit code, or `null` if a signal ended it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, "exit") as Promise<[number | null, string | null]>;
    child.kill(signal);
    return (await exit)[0];
  }

  /** Sends `signal` and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** `kill -9`: no hook, no flush, no goodbye. */
  async kill(): Promise<void> {
    await this.stop("SIGKILL");
  }

  /** Ends the process and removes its data. */
  async dispose(): Promise<void> {
    await this.kill();
    if (this.#options.dataDir === undefined) await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Runs a script to its end and collects what it said. */
export async function run(
  script: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program, ...first] = runtimeCommand();
  const child = spawn(program, [...first, script, ...args], {
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
