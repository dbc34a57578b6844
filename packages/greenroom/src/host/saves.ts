import { instanceGone } from "./failure.js";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The immediate saves of an instance that are not durable yet. */
export class Saves {
  readonly #waiting = new Map<number, Waiter>();
  #last = 0;

  /** A new token, and what resolves once it is reported. */
  begin(): { readonly token: number; readonly saved: Promise<void> } {
    this.#last = (this.#last + 1) >>> 0;
    const token = this.#last;
    const saved = new Promise<void>((resolve, reject) => this.#waiting.set(token, { resolve, reject }));
    return { token, saved };
  }

  /** Everything up to the save with this token is durable. */
  done(token: number): void {
    const waiter = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiter?.resolve();
  }

  /** The instance is gone, and whether its changes are durable is unknown. */
  drop(): void {
    for (const waiter of this.#waiting.values())
      waiter.reject(instanceGone("the actor has stopped before the state was stored"));
    this.#waiting.clear();
  }
}
