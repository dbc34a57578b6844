import type { Client, ClientConfig, ClientRuntime } from "@greenroom/client";
import { fetchOver, inProcessClient, type RequestHead, requestHead } from "../in-process/fetcher.js";
import type { ActorDefinitions } from "../registry/config.js";
import { settingsOf } from "../registry/registry.js";
import type { FetchHandler, Registry } from "../registry/surface.js";
import { Site } from "./site.js";
import { atEnd, type TestContext } from "./test-context.js";

/** Options of {@link setupTest}. */
export interface SetupTestOptions {
  /** The time that the clock begins with. Default: the machine's. */
  readonly now?: Date | number;
}

/** A registry that runs for one test. */
export interface TestSetup<Actors extends ActorDefinitions> {
  /** A client as programs outside have it: `onAuth` and `onBeforeConnect` are asked. */
  readonly client: Client<Registry<Actors>>;
  /**
   * One more client of that kind, for somebody with a token or headers of their own; `client` is the one without. It is
   * disposed when the test ends.
   *
   * @throws TypeError for other options.
   */
  createClient(options?: TestClientOptions): Client<Registry<Actors>>;
  /** The registry's time: it stands still until it is moved. */
  readonly clock: TestClock;
  /** The same registry for requests, for example of a web framework under test. */
  readonly registry: TestRegistry<Actors>;
  /**
   * Ends the registry as `kill -9` ends a process: no hook runs, and what was not stored is lost. Until
   * {@link TestSetup.restart}, calls fail.
   *
   * @param handle Ends this one actor alone; it wakes with the next call.
   */
  crash(handle?: { resolve(): Promise<string> }): Promise<void>;
  /** Starts the registry again on what it has stored; stops it in good order before, unless it has crashed. */
  restart(): Promise<void>;
}

/** Options of {@link TestSetup.createClient}; they mean what they mean for `createClient` of the client package. */
export type TestClientOptions = Pick<ClientConfig, "token" | "headers" | "encoding">;

/** See {@link TestSetup.clock}. */
export interface TestClock {
  /** In milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Moves the time, and resolves when everything that is due by then has been done, each at its own time: scheduled
   * calls and jobs, retries, timeouts, actors that go to sleep. What actors wait for outside of the registry, such as
   * a file or a timer of their own, is not waited for.
   *
   * @param milliseconds From 0 on.
   */
  advance(milliseconds: number): Promise<void>;
  /** Waits, without moving the time, until nothing is going on any more. */
  settle(): Promise<void>;
}

/** See {@link TestSetup.registry}. */
export interface TestRegistry<Actors extends ActorDefinitions = ActorDefinitions> extends FetchHandler {
  /** As `registry.handler`, with paths below the root. */
  handler(request: Request): Promise<Response>;
  /** As `registry.client`: `onAuth` is not asked. */
  client(): Client<Registry<Actors>>;
}

/** Longer timers of clients watch over networks; there is none here, and a debugger may stop everything for long. */
const LONGEST_TIMER = 10_000;
/** Looked up once: a test may put fake timers in their place. */
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
const runtime: Partial<ClientRuntime> = {
  setTimeout: (callback, ms) => (ms > LONGEST_TIMER ? undefined : real.setTimeout(callback, ms)),
  clearTimeout: (timer) => real.clearTimeout(timer as number | undefined),
  // A test that makes the registry crash wants to see what is lost, and real pauses are none of its clock's.
  mayRepeat: () => false,
};
const CLIENT_OPTIONS = ["token", "headers", "encoding"];

/**
 * Runs a registry for one test: the real core, with its data in memory, no port, and a clock that the test moves. Each
 * test has its own; it is gone when the test ends.
 *
 * @param context The context of the test, see {@link TestContext}.
 * @throws TypeError if the context or the registry is none.
 */
export async function setupTest<Actors extends ActorDefinitions>(
  context: TestContext,
  registry: Registry<Actors>,
  options: SetupTestOptions = {},
): Promise<TestSetup<Actors>> {
  const settings = settingsOf(registry);
  const now = Number(options.now ?? Date.now());
  if (!Number.isFinite(now)) throw new TypeError("setupTest option 'now' has to be a time");
  let end = async (): Promise<void> => {};
  // Before anything is there: a context that is none should leave nothing behind.
  atEnd(context, () => end());
  const running = await Site.start(settings, Math.round(now));
  const clients: Client<Registry<Actors>>[] = [];
  const open = (send: (head: RequestHead) => Promise<Response>, options: TestClientOptions = {}) => {
    const made = inProcessClient<Registry<Actors>>(settings.namespace, fetchOver(send), {
      ...options,
      runtime,
    });
    clients.push(made);
    return made;
  };
  const outside = (options?: TestClientOptions) => open((head) => running.send(head), options);
  let trusted: Client<Registry<Actors>> | undefined;
  end = async () => {
    for (const each of clients) await each.dispose();
    await running.crash();
  };
  const handler = (request: Request): Promise<Response> => running.send(requestHead(request));
  const { clock } = running;
  return {
    client: outside(),
    createClient: (options) => outside(checked(options)),
    clock: {
      now: () => clock.now(),
      advance: (milliseconds) => clock.advance(milliseconds),
      settle: () => clock.settle(),
    },
    registry: {
      handler,
      fetch: handler,
      client: () => (trusted ??= open((head) => running.send({ ...head, isTrusted: true }))),
    },
    crash: async (handle) =>
      handle === undefined ? running.crash() : running.crashActor(await handle.resolve()),
    restart: () => running.restart(),
  };
}

/** Others would say where the client goes and how, which is the registry of the test. */
function checked(options: TestClientOptions | undefined): TestClientOptions | undefined {
  const wrong = Object.keys(options ?? {}).find((name) => !CLIENT_OPTIONS.includes(name));
  if (wrong === undefined) return options;
  throw new TypeError(
    `createClient of setupTest has no option '${wrong}', only ${CLIENT_OPTIONS.join(", ")}`,
  );
}
