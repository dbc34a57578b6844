/** Actors that leave errors behind, for the suite about errors that nobody handles. */

import { connect } from "node:net";
import { Readable } from "node:stream";
import { actor, setup } from "greenroom";

export const careless = actor({
  state: { n: 0, isListening: false },
  options: { sleepTimeout: 60_000 },
  actions: {
    add: (c) => ++c.state.n,
    isListening: (c) => c.state.isListening,
    reject(): void {
      void Promise.reject(new Error("a rejection at once"));
    },
    async rejectLater(): Promise<void> {
      const fails = async (): Promise<void> => {
        await null;
        throw new Error("a rejection after a while");
      };
      void fails();
    },
    callNobody(c): void {
      void c.client<typeof registry>().careless.get("who is not there").add();
    },
    throwInTimer(): void {
      setTimeout(() => {
        throw new Error("an exception in a timer");
      }, 1);
    },
    throwInMicrotask(): void {
      queueMicrotask(() => {
        throw new Error("an exception in a microtask");
      });
    },
    throwInNextTick(): void {
      process.nextTick(() => {
        throw new Error("an exception in a tick");
      });
    },
    failToConnect(): void {
      // Nobody listens to its `error` event. Port 1 is never listened on.
      connect(1, "127.0.0.1");
    },
    throwInIterator(): void {
      const items = async function* () {
        yield 1;
        throw new Error("an exception in an iterator");
      };
      Readable.from(items()).resume();
    },
    overflowInTimer(): void {
      const deeper = (n: number): number => deeper(n + 1) + 1;
      setTimeout(() => deeper(0), 1);
    },
    overflow(): number {
      const deeper = (n: number): number => deeper(n + 1) + 1;
      return deeper(0);
    },
    allocate: () => new Uint8Array(2 ** 53).length,
    rejectInBackground(c): void {
      c.waitUntil(Promise.reject(new Error("a rejection in waitUntil")));
    },
    async *throwInStream() {
      yield 1;
      throw new Error("an exception in a stream");
    },
    exit(): void {
      process.exit(7);
    },
    async throwInListener(c): Promise<void> {
      c.abortSignal.addEventListener("abort", () => {
        throw new Error("an exception in a listener");
      });
      c.state.isListening = true;
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    },
  },
});

export const registry = setup({ use: { careless } });
