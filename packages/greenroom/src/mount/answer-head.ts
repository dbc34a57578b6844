/** The answer to a request for a WebSocket, read off the connection to the core. */

const END = [13, 10, 13, 10];
const NOTHING = new Uint8Array();

/** What the core says to a request for a WebSocket. */
export interface Answer {
  /** 101 if it gets one. */
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Why not; empty if it gets one. */
  readonly body: Uint8Array;
}

/** See the top of the file. */
export class AnswerHead {
  /** The answer, or undefined if the connection ended before there was one. */
  readonly given: Promise<Answer | undefined>;
  readonly #give: (answer: Answer | undefined) => void;
  #bytes: Uint8Array = NOTHING;
  #isGiven = false;

  constructor() {
    let give: ((answer: Answer | undefined) => void) | undefined;
    this.given = new Promise((resolve) => {
      give = resolve;
    });
    this.#give = (answer) => {
      this.#isGiven = true;
      give?.(answer);
    };
  }

  /** Bytes from the core. @returns those that do not belong to the answer */
  push(bytes: Uint8Array): Uint8Array {
    if (this.#isGiven) return bytes;
    const all = Buffer.concat([this.#bytes, bytes]);
    this.#bytes = all;
    const end = all.indexOf(Buffer.from(END));
    if (end < 0) return NOTHING;
    const answer = parse(all.toString("latin1", 0, end));
    // Any other answer has the rest of the connection for a body.
    if (answer.status !== 101) return NOTHING;
    this.#give(answer);
    return all.subarray(end + END.length);
  }

  /** The core has nothing more to say. */
  end(): void {
    if (this.#isGiven) return;
    const all = Buffer.from(this.#bytes);
    const end = all.indexOf(Buffer.from(END));
    if (end < 0) this.#give(undefined);
    else this.#give({ ...parse(all.toString("latin1", 0, end)), body: all.subarray(end + END.length) });
  }
}

function parse(head: string): Answer {
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(first.split(" ")[1]), headers, body: NOTHING };
}
