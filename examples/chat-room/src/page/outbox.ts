/** A message on its way. */
interface Draft {
  id: string;
  text: string;
}

/**
 * What the person wrote and the room has not confirmed yet. Survives a lost connection and a reload;
 * the room knows messages by id, so sending one again is harmless.
 */
export class Outbox {
  readonly #key: string;
  readonly #send: (id: string, text: string) => Promise<unknown>;
  readonly #delivered: (id: string, problem?: string) => void;
  #drafts: Draft[];

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
    this.#try({ id, text });
  }

  /** Sends everything again that was never confirmed. */
  flush(): void {
    for (const draft of this.#drafts) this.#try(draft);
  }

  #try(draft: Draft): void {
    this.#send(draft.id, draft.text).then(
      () => this.#done(draft.id),
      (error: { group?: string; message: string }) => {
        // The room's own refusal is final; a lost connection is not, the next opening tries again.
        if (error.group === "user") this.#done(draft.id, error.message);
      },
    );
  }

  #done(id: string, problem?: string): void {
    this.#drafts = this.#drafts.filter((draft) => draft.id !== id);
    this.#save();
    this.#delivered(id, problem);
  }

  #save(): void {
    sessionStorage.setItem(this.#key, JSON.stringify(this.#drafts));
  }
}
