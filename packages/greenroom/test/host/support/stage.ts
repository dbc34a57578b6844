import assert from "node:assert/strict";
import { compiledActor } from "../../../dist/definition/actor.js";
import type { Clock } from "../../../dist/host/clock.js";
import { Host } from "../../../dist/host/host.js";
import { setup } from "../../../dist/index.js";
import { createLogger } from "../../../dist/log.js";
import type { ActorDefinitions } from "../../../dist/registry/config.js";
import { FakeCore, type Output, type StartOptions, type Turn } from "./core.js";

/** One actor type in a host whose core is scripted. Its instance has the number 1. */
export class Stage {
  readonly core = new FakeCore();
  readonly logs: string[] = [];
  readonly host: Host;
  #lastCall = 0;

  constructor(
    definition: ActorDefinitions[string],
    options: { readonly exposeErrors?: boolean; readonly clock?: Clock } = {},
  ) {
    setup({ use: { thing: definition } });
    const compiled = compiledActor(definition);
    assert.ok(compiled !== undefined);
    const logSink = (line: string): void => void this.logs.push(line);
    this.host = new Host(this.core, {
      actors: new Map([["thing", compiled]]),
      logger: (bound) => createLogger("debug", bound, logSink),
      log: createLogger("debug", {}, logSink),
      exposeErrors: options.exposeErrors === true,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      region: "here",
      namespace: "default",
      onAuthTimeout: 5_000,
    });
  }

  /** Starts the instance and forgets the turns of the start. */
  async started(options: StartOptions = {}): Promise<this> {
    this.core.start(1, "thing", options);
    await this.run();
    assert.deepEqual(this.outputs.at(-1), { kind: "started" });
    this.core.turns.length = 0;
    return this;
  }

  /** Delivers what was scripted, and waits for the turns that it leads to if it does so only later. */
  async run(): Promise<readonly Turn[]> {
    const before = this.core.turns.length;
    const next = this.core.next();
    this.host.wake();
    if (this.core.turns.length === before) await next;
    return this.core.turns.slice(before);
  }

  /** Calls an action without a connection and gives its outcome. */
  async call(name: string, ...args: unknown[]): Promise<Output> {
    const call = ++this.#lastCall + 1000;
    this.core.call(1, call, name, args);
    this.host.wake();
    for (;;) {
      const found = this.outputs.find((each) => "call" in each && each.call === call);
      if (found !== undefined) return found;
      await this.core.next();
    }
  }

  /** Everything that was put out, over all turns, except what keeps the actor awake. */
  get outputs(): readonly Output[] {
    return this.#all.filter((output) => output.kind !== "awake");
  }

  /** Whether something keeps the actor awake, each time that this changed. */
  get awake(): readonly boolean[] {
    return this.#all.flatMap((output) => (output.kind === "awake" ? [output.held] : []));
  }

  get #all(): readonly Output[] {
    return this.core.turns.flatMap((turn) => turn.outputs);
  }

  /** All operations on the state, over all turns. */
  get changes(): readonly unknown[] {
    return this.core.turns.flatMap((turn) => turn.changes);
  }

  /** Delivers what was scripted, and waits until something was put out that `wanted` accepts. */
  async until(wanted: (output: Output) => boolean): Promise<Output> {
    this.host.wake();
    for (;;) {
      const found = this.outputs.find(wanted);
      if (found !== undefined) return found;
      await this.core.next();
    }
  }

  forget(): void {
    this.core.turns.length = 0;
  }
}
