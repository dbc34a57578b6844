import assert from "node:assert/strict";
import type { ClientConfig, Resync } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { CuttingProxy } from "../harness/cutting-proxy.js";
import type { Random } from "../kill/random.js";
import type { registry, Sent } from "../server/resume-registry.js";

/** Client timers run so much faster: waiting for the next attempt is no part of what is tried. */
const HASTE = 20;

/** Bytes that a connection passes before it is cut: from within the handshake to many messages later. */
const BYTES = { min: 300, max: 4_000 } as const;

const hasty: NonNullable<ClientConfig["runtime"]> = {
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds / HASTE),
};

/** Somebody who hears an actor over connections that are cut again and again. */
export class Listener {
  readonly name: string;
  /** Everything that was heard, in order. */
  readonly log: Sent[] = [];
  /** What was heard of `tock`, from each subscription to its end. */
  readonly spans: string[][] = [];
  readonly resyncs: Resync[] = [];
  readonly proxy: CuttingProxy;
  readonly #random: Random;
  readonly #conn;
  #stop: (() => void) | undefined;

  private constructor(name: string, key: string, proxy: CuttingProxy, config: ClientConfig, random: Random) {
    this.name = name;
    this.proxy = proxy;
    this.#random = random;
    const endpoint = proxy.url;
    const client = createClient<typeof registry>({
      disableMetadataLookup: true,
      ...config,
      runtime: { ...hasty, ...config.runtime },
      endpoint,
    });
    this.#conn = client.feed.getOrCreate(key, { params: { name } }).connect();
    this.#conn.onError(() => {});
    this.#conn.onResync((resync) => this.resyncs.push(resync));
    for (const event of ["tick", "secret"] as const) {
      this.#conn.on(event, (text) => this.log.push([event, "", text]));
    }
    this.#conn.on("whisper", (text) => this.log.push(["whisper", name, text]));
  }

  /** Connects, and knows that nothing is missed from here on. */
  static async start(
    name: string,
    key: string,
    port: number,
    config: ClientConfig,
    random: Random,
  ): Promise<Listener> {
    const listener = new Listener(name, key, await CuttingProxy.start(port), config, random);
    await listener.#conn.sync();
    return listener;
  }

  /** From here on every connection is cut, sooner or later. */
  beginCutting(): void {
    const random = this.#random;
    this.proxy.plan = () => ({ after: random.between(BYTES.min, BYTES.max), halfOpen: random.oneIn(3) });
    this.proxy.cutAll();
  }

  endCutting(): void {
    this.proxy.plan = () => undefined;
    this.proxy.cutAll(this.#random.oneIn(2));
  }

  /** Does something at random: asks for an event of its own, begins or ends to hear `tock`. */
  async act(text: string): Promise<void> {
    if (this.#random.oneIn(2)) {
      if (this.#stop) this.#stop();
      const span: string[] = [];
      if (this.#stop === undefined) this.spans.push(span);
      this.#stop = this.#stop ? undefined : this.#conn.on("tock", (tock) => span.push(tock));
    }
    // It may be lost on its way, in either direction.
    await this.#conn.whisper(text).catch(() => {});
  }

  /** Holds what was heard against what the actor says that it has sent. */
  check(sent: readonly Sent[]): void {
    const expected = sent.filter(([name, to]) => name !== "tock" && (to === "" || to === this.name));
    const differs = expected.findIndex((event, index) => String(event) !== String(this.log[index]));
    const around = (events: readonly Sent[]) => events.slice(Math.max(0, differs - 3), differs + 5);
    const detail = `${this.name}: event ${differs} is another one`;
    if (differs >= 0) assert.deepEqual(around(this.log), around(expected), detail);
    assert.equal(this.log.length, expected.length, `${this.name} heard more than there was`);
    const tocks = sent.filter(([name]) => name === "tock").map(([, , text]) => text);
    for (const span of this.spans.filter(({ length }) => length > 0)) {
      const first = tocks.indexOf(span[0] ?? "");
      assert.deepEqual(
        span,
        tocks.slice(first, first + span.length),
        `${this.name}: a gap within a subscription`,
      );
    }
    assert.deepEqual(this.resyncs, [], `${this.name} missed nothing for good`);
  }
}
