/**
 * What the tests run as processes of their own: `program.js <what> <data directory> [port]`.
 *
 * Each prints lines of JSON. None ends itself unless its name says so: whether the process goes on or ends is what the
 * tests look at.
 */
import { NativeRegistry } from "@greenroom/native";
import { call, config, run } from "./setup.js";

const [what, dataDir = "", port] = process.argv.slice(2);

const programs: Record<string, () => Promise<void>> = {
  /** Serves until it is killed. */
  async serve() {
    print((await run(dataDir)).info.url);
  },
  /** Serves one call, shuts down, and does nothing more. */
  async shutDown() {
    const { registry, info } = await run(dataDir);
    print(await call(info.url, "a", "add"));
    await registry.shutdown();
    print("shut down");
  },
  /** Shuts down while calls are under way. */
  async shutDownAtOnce() {
    const { registry, info } = await run(dataDir);
    // What becomes of them is the server's tests' business. They are not awaited: in about one run of
    // two hundred something here stayed unsettled with nothing left that keeps the process alive.
    for (let key = 0; key < 20; key++) call(info.url, `k${key}`, "add").catch(() => "refused");
    await registry.shutdown();
    print("shut down");
  },
  /** Serves one call and exits in the middle of everything. */
  async exit() {
    const { info } = await run(dataDir);
    print(await call(info.url, "a", "add"));
    process.exit(7);
  },
  /** Fails to start, and does nothing more. */
  async fail() {
    const registry = new NativeRegistry(config({ dataDir, port: Number(port) }));
    print(await registry.start(() => undefined).then(String, (error: { code: string }) => error.code));
  },
  /** Makes a registry that it never starts. */
  async neverStart() {
    new NativeRegistry(config({ dataDir }));
    print("made");
  },
};

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

await programs[what ?? ""]?.();
