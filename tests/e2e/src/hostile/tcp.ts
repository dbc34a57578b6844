/** Bytes over TCP, and what comes of them. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** What a server said until it ended the connection. */
export interface Said {
  /** In Latin-1: a character for each byte. */
  readonly text: string;
  /** The status of the first answer, 0 if there was none. */
  readonly status: number;
  /** Whether the connection was reset instead of ended. */
  readonly isReset: boolean;
}

/** Opens a connection to a port of this machine. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  socket.setNoDelay(true);
  return socket;
}

/** Reads to the end of a connection. */
export async function heard(socket: Socket): Promise<Said> {
  const pieces: Buffer[] = [];
  let isReset = false;
  socket.on("data", (piece: Buffer) => pieces.push(piece));
  socket.on("end", () => socket.end());
  socket.on("error", () => {
    isReset = true;
  });
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  const text = Buffer.concat(pieces).toString("latin1");
  return { text, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), isReset };
}

/** Sends bytes and reads to the end, which the server has to make. */
export async function tell(port: number, bytes: string | Uint8Array, halfClose = false): Promise<Said> {
  const socket = await dial(port);
  const said = heard(socket);
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  if (halfClose) socket.end();
  return said;
}
