/** Reads an event stream as it is written, line by line, as one would with curl. */
export class RawEventStream {
  readonly response: Response;
  readonly #abort: AbortController;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  private constructor(response: Response, abort: AbortController) {
    if (response.body === null) throw new Error(`an event stream without a body, status ${response.status}`);
    this.response = response;
    this.#abort = abort;
    this.#reader = response.body.getReader();
  }

  /** @throws Error when the answer is no stream. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawEventStream> {
    const abort = new AbortController();
    const response = await fetch(url, { headers, signal: abort.signal });
    if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
    return new RawEventStream(response, abort);
  }

  /** The lines of the next event or comment; `undefined` at the end. */
  async next(): Promise<string[] | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const lines = this.#text.slice(0, end).split("\n");
        this.#text = this.#text.slice(end + 2);
        return lines;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next event that is no heartbeat: its first line, and its data as JSON. */
  async event(): Promise<{ readonly first: string; readonly data: unknown }> {
    for (;;) {
      const lines = await this.next();
      if (lines === undefined) throw new Error("the stream ended");
      const [first = "", second = ""] = lines;
      if (first === ":") continue;
      return { first, data: JSON.parse(second.replace("data: ", "")) as unknown };
    }
  }

  close(): void {
    this.#abort.abort();
  }
}
