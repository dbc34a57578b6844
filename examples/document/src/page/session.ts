import type { ActorConn, ConnStatus } from "@greenroom/client";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { document } from "../document.js";
import type { Stored } from "../storage.js";
import { cursorOf, forgetAll, forgetPerson, nameOf, showPerson } from "./people.js";

/** What a session tells the page. */
export interface SessionEvents {
  status(status: ConnStatus): void;
  /** So many changes are only here so far; undefined for `stored` while none has been confirmed. */
  progress(waiting: number, stored: Stored | undefined): void;
  trouble(message: string): void;
}

/**
 * Keeps a Yjs document in step with its actor while there is a connection. Without one everything goes on as before:
 * each opening begins with an exchange of what one side lacks of the other, so nothing has to be remembered for it.
 */
export class Session {
  readonly #doc: Y.Doc;
  readonly #awareness: Awareness;
  readonly #connect: () => ActorConn<typeof document>;
  readonly #events: SessionEvents;
  #conn: ActorConn<typeof document> | undefined;
  /** Counts openings: what an earlier one still waits for is of no interest. */
  #opening = 0;
  #isInStep = false;
  #isSending = false;
  #isPointing = false;
  #outbox: Uint8Array[] = [];
  /** Changes that were made while out of step. They need no outbox, only a number to show. */
  #unsent = 0;
  #stored: Stored | undefined;

  constructor(
    doc: Y.Doc,
    awareness: Awareness,
    connect: () => ActorConn<typeof document>,
    events: SessionEvents,
  ) {
    this.#doc = doc;
    this.#awareness = awareness;
    this.#connect = connect;
    this.#events = events;
    doc.on("update", this.#changed);
    awareness.on("change", this.#peopleChanged);
  }

  /** Opens a connection, and keeps it until {@link goOffline}. */
  goOnline(): void {
    if (this.#conn) return;
    const conn = this.#connect();
    this.#conn = conn;
    conn.on("update", (update) => Y.applyUpdate(this.#doc, update, this));
    conn.on("person", (person) => showPerson(this.#awareness, person, this));
    conn.on("left", (clientId) => forgetPerson(this.#awareness, clientId, this));
    conn.onOpen(() => void this.#synchronize(conn));
    conn.onError((error) => this.#events.trouble(error.message));
    conn.onStatusChange((status) => {
      if (status !== "connected") this.#lostStep();
      this.#events.status(status);
    });
  }

  goOffline(): void {
    const conn = this.#conn;
    this.#conn = undefined;
    this.#lostStep();
    this.#events.status("idle");
    void conn?.dispose();
  }

  close(): void {
    this.#doc.off("update", this.#changed);
    this.#awareness.off("change", this.#peopleChanged);
    this.goOffline();
  }

  #lostStep(): void {
    this.#opening += 1;
    this.#isInStep = false;
    this.#unsent += this.#outbox.length;
    this.#outbox = [];
    forgetAll(this.#awareness, this);
    this.#tell();
  }

  async #synchronize(conn: ActorConn<typeof document>): Promise<void> {
    const opening = this.#opening;
    try {
      const { missing, stateVector, people } = await conn.synchronize(Y.encodeStateVector(this.#doc));
      if (opening !== this.#opening) return;
      Y.applyUpdate(this.#doc, missing, this);
      for (const person of people) showPerson(this.#awareness, person, this);
      // From here to the end there is no pause: what is written next goes after this.
      this.#outbox = [Y.encodeStateAsUpdate(this.#doc, stateVector)];
      this.#unsent = 0;
      this.#isInStep = true;
    } catch (error) {
      if (opening === this.#opening) this.#events.trouble(messageOf(error));
      return;
    }
    void this.#send(conn);
    void this.#point(conn);
  }

  readonly #changed = (update: Uint8Array, origin: unknown): void => {
    if (origin === this) return;
    if (this.#isInStep) this.#outbox.push(update);
    else this.#unsent += 1;
    this.#tell();
    if (this.#conn) void this.#send(this.#conn);
  };

  /** Sends what waits, one call after the other; what is written during a call goes with the next one. */
  async #send(conn: ActorConn<typeof document>): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#isInStep && this.#outbox.length > 0) {
      const opening = this.#opening;
      const updates = this.#outbox.splice(0);
      try {
        this.#stored = await conn.update(Y.mergeUpdates(updates));
      } catch (error) {
        // Lost or refused, it is not there: the next opening finds out what is missing.
        this.#unsent += updates.length;
        if (opening === this.#opening) {
          this.#isInStep = false;
          this.#events.trouble(`Your last changes are only on this device: ${messageOf(error)}`);
        }
      }
      this.#tell();
    }
    this.#isSending = false;
  }

  readonly #peopleChanged = ({ added, updated }: { added: number[]; updated: number[] }): void => {
    const own = this.#doc.clientID;
    if (this.#conn && (added.includes(own) || updated.includes(own))) void this.#point(this.#conn);
  };

  /** Tells where the cursor is. One call at a time: in between only the last place counts. */
  async #point(conn: ActorConn<typeof document>): Promise<void> {
    if (this.#isPointing || !this.#isInStep) return;
    this.#isPointing = true;
    for (let told = ""; this.#isInStep; ) {
      const state = this.#awareness.getLocalState();
      const now = JSON.stringify(state);
      if (now === told) break;
      told = now;
      // Lost with its connection, it is told again at the next opening.
      await conn.point(nameOf(state), cursorOf(state)).catch(() => {});
    }
    this.#isPointing = false;
  }

  #tell(): void {
    this.#events.progress(this.#outbox.length + this.#unsent, this.#stored);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
