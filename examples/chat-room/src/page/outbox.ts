/** A message on its way. */
interface Draft {
  id: string;
  text: string;
}

/**
 * What the person wrote and the room has not confirmed yet, sent one after the other in the order of writing.
 * Survives a lost connection and a reload; the room knows messages by id, so sending one again is harmless.
 */
export class Outbox {
  readonly #key: string;
  readonly #send: (id: string, text: string) => Promise<unknown>;
  readonly #delivered: (id: string, problem?: string) => void;
  readonly #drafts: Draft[];
  #isOpen = false;
  #isSending = false;

  constructor(
    name: string,
    send: (id: string, text: string) => Promise<unknown>,
    delivered: (id: string, problem?: string) => void,
  ) {
    this.#key = `outbox/${name}`;
    this.#send = send;
    this.#delivered = delivered;
    this.#drafts = JSON.parse(sessionStorage.getItem(this.#key) ?? "[]") as Draft[];
  }

  waiting(): readonly Draft[] {
    return this.#drafts;
  }

  add(id: string, text: string): void {
    this.#drafts.push({ id, text });
    this.#save();
    void this.#work();
  }

  /** The room can be reached: sends everything that was never confirmed. */
  open(): void {
    this.#isOpen = true;
    void this.#work();
  }

  /** The room cannot be reached: whatever is written waits. */
  close(): void {
    this.#isOpen = false;
  }

  async #work(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let draft = this.#drafts[0]; this.#isOpen && draft !== undefined; draft = this.#drafts[0]) {
      try {
        await this.#send(draft.id, draft.text);
        this.#done(draft);
      } catch (error) {
        // The room's own refusal is final. Anything else is not: the next opening tries again.
        if (isRefusal(error)) this.#done(draft, error.message);
        else this.#isOpen = false;
      }
    }
    this.#isSending = false;
  }

  #done(draft: Draft, problem?: string): void {
    this.#drafts.splice(this.#drafts.indexOf(draft), 1);
    this.#save();
    this.#delivered(draft.id, problem);
  }

  #save(): void {
    sessionStorage.setItem(this.#key, JSON.stringify(this.#drafts));
  }
}

function isRefusal(error: unknown): error is { group: string; message: string } {
  return typeof error === "object" && error !== null && "group" in error && error.group === "user";
}
