import type { Encoding } from "../config.js";

/**
 * What a WebSocket handshake offers: the protocol itself, and what other requests carry in headers, which
 * browsers cannot set here.
 *
 * @param params connection parameters as ASCII JSON.
 * @param claim where a connection was that comes back.
 */
export function subprotocols(
  encoding: Encoding,
  params: string | undefined,
  skipReadyWait: boolean,
  claim?: string,
): string[] {
  const list = ["rivet", `rivet_encoding.${encoding}`];
  if (skipReadyWait) list.push("rivet_skip_ready_wait");
  if (params !== undefined) {
    // Parentheses are the characters that encodeURIComponent leaves and a subprotocol may not have.
    const escaped = encodeURIComponent(params).replace(/\(/g, "%28").replace(/\)/g, "%29");
    list.push(`rivet_conn_params.${escaped}`);
  }
  // We know the extensions of the protocol.
  list.push("greenroom.1");
  if (claim) list.push(`greenroom_resume.${claim}`);
  return list;
}
