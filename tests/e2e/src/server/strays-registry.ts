/** Actors that leave errors behind, for the suite about errors that nobody handles. */

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
