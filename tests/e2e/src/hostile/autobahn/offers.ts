/** What clients offer in sections 12 and 13 of Autobahn, and what no client should. */

/** Values of `sec-websocket-extensions`. */
export const OFFERS: readonly string[] = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; client_no_context_takeover; client_max_window_bits",
  "permessage-deflate; server_no_context_takeover; client_max_window_bits",
  "permessage-deflate; server_max_window_bits=9; client_max_window_bits",
  "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits",
  "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate; server_no_context_takeover, permessage-deflate",
  // Bits that do not exist, values that are none, the same twice, and another extension.
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; server_max_window_bits=99999999999999999999",
  'permessage-deflate; client_max_window_bits="10"',
  "permessage-deflate; unknown=1",
  "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
  "x-webkit-deflate-frame",
  ",;=,",
];
