/** Open while the server serves. */
export class Gate {
  #opened!: Promise<void>;
  #open!: () => void;

  constructor() {
    this.close();
  }

  /** Resolves when the gate is open, at once if it is. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  open(): void {
    this.#open();
  }

  close(): void {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }
}
