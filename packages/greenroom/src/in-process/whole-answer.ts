/**
 * An answer that is all there, as far as our own client looks at one. A `Response` would make a stream for each, which
 * costs more than all the rest of a call within the process.
 */
export class WholeAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** @param bytes Owned by the answer from here on. */
  constructor(
    status: number,
    headers: readonly (readonly [string, string])[],
    bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.status = status;
    this.headers = { get: (name) => headers.find(([each]) => each === name)?.[1] ?? null };
    this.#bytes = bytes;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** There is no stream. */
  get body(): null {
    return null;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.buffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes);
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}
