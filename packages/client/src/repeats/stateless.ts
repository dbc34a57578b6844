/** Calls over HTTP that are made again and run once. */
import type { Location, ResolvedConfig } from "../config.js";
import { reconnectPolicy } from "../connection/reconnect-policy.js";
import type { ActorError } from "../errors.js";
import { checkedKey, checkedTimeout, isLost, keyUnsupported, newCallerId } from "./caller.js";

/** One call, however often it is made. */
export interface Repeat {
  /** What the next request says about it. */
  headers(): Record<string, string>;
  /** The pause before it is made again; `undefined` to give up. */
  pause(error: ActorError): number | undefined;
  /** What names it to the server when its caller has given it up; `undefined` if the server need not be told. */
  givenUp(): Record<string, string> | undefined;
  /** It has its outcome. */
  end(): void;
}

/** The calls of one client. */
export class CallRepeats {
  readonly #config: ResolvedConfig;
  readonly #caller = newCallerId();
  /** The calls that wait for their outcome, in order. */
  readonly #open = new Set<number>();
  #next = 0;

  constructor(config: ResolvedConfig) {
    this.#config = config;
  }

  /**
   * Begins a call. `undefined` if it cannot or is not to be made again.
   *
   * @param timeout how long it is made again after the first failure, in milliseconds.
   * @throws ActorError `client.idempotency_unsupported`
   */
  begin({ extended }: Location, timeout: number, key: string | undefined): Repeat | undefined {
    checkedTimeout(timeout);
    if (key !== undefined) checkedKey(key);
    if (!extended && key !== undefined) throw keyUnsupported();
    if (!extended || (timeout <= 0 && key === undefined)) return undefined;
    const number = this.#next++;
    this.#open.add(number);
    const { nextDelay } = reconnectPolicy(this.#config.runtime.random);
    const made = performance.now();
    let requests = 0;
    let failed: number | undefined;
    let paused = 0;
    return {
      headers: () => {
        const waited = requests++ === 0 ? 0 : Math.ceil(performance.now() - made) + 1;
        const [first] = this.#open;
        const call = `${this.#caller}.${number}.${first}.${waited}`;
        return { "x-greenroom-call": call, ...(key === undefined ? {} : { "idempotency-key": encode(key) }) };
      },
      pause: (error) => {
        const now = performance.now();
        failed ??= now;
        if (!isLost(error, this.#config.runtime) || Math.max(now - failed, paused) >= timeout)
          return undefined;
        const pause = nextDelay();
        paused += pause;
        return pause;
      },
      // Under a key, somebody else may come for it.
      givenUp: () =>
        requests === 0 || key !== undefined
          ? undefined
          : { "x-greenroom-call": `${this.#caller}.${number}.${number}.0` },
      end: () => void this.#open.delete(number),
    };
  }
}

/** Headers hold no other characters. Keys that are plain stay what they are. */
function encode(key: string): string {
  return /^[!-$&-~]+$/.test(key) ? key : encodeURIComponent(key);
}
