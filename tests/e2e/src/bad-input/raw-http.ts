/** Requests as they are written: no normalising of paths, no checks of headers beyond Node's own. */
import { type Agent, type IncomingMessage, request } from "node:http";

/** One request. */
export interface RawRequest {
  readonly method?: string;
  /** Path and query, sent as they are. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Send the body in chunks, without saying how long it is. */
  readonly chunked?: boolean;
}

/** One answer, read to its end. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Sends a request to a port of this machine and reads the whole answer. */
export function send(port: number, raw: RawRequest, agent?: Agent): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { method = "POST", path, headers = {}, body } = raw;
    const length = body === undefined || raw.chunked ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request({
      host: "127.0.0.1",
      port,
      method,
      path,
      headers: { ...length, ...headers },
      agent,
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    if (raw.chunked && body !== undefined) sent.write(body);
    else if (body !== undefined) sent.write(body);
    sent.end();
  });
}
