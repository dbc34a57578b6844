/**
 * A promise that can be ignored: if it fails and nobody has asked for its outcome by then, through `await`, `then`,
 * `catch` or `finally`, `onIgnored` gets the error. Otherwise it is an ordinary promise.
 */
export class StartPromise<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = "Promise";
  readonly #outcome: Promise<T>;
  #isAsked = false;

  constructor(outcome: Promise<T>, onIgnored: (error: unknown) => void) {
    this.#outcome = outcome;
    outcome.catch((error: unknown) => {
      // Who awaits a function that has just failed asks in a later microtask.
      setImmediate(() => {
        if (!this.#isAsked) onIgnored(error);
      });
    });
  }

  // biome-ignore lint/suspicious/noThenProperty: it stands for a promise.
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isAsked = true;
    return this.#outcome.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    this.#isAsked = true;
    return this.#outcome.finally(onFinally);
  }
}
