/** Requests that no library would send, and what they get. All of them end their connection. */
import { action, connect } from "../bad-input/urls.js";

/** A request as bytes, and its answer. */
export interface WireCase {
  readonly what: string;
  /** In Latin-1. */
  readonly request: string;
  /** Statuses, of which one has to come; 0 is an end without an answer. */
  readonly status: readonly number[];
  /** The code in the body, if there is one. */
  readonly code?: string;
}

const HOST = "host: 127.0.0.1\r\n";
const CLOSE = "connection: close\r\n";
const BODY = '{"args":[1]}';
const LENGTH = `content-length: ${BODY.length}\r\n`;
const CHUNKED = "transfer-encoding: chunked\r\n";
const IN_CHUNKS = `c\r\n${BODY}\r\n0\r\n\r\n`;
const ECHO = action("echo");
const RAW = `/gateway/counter/request/x?${ECHO.split("?")[1]}`;
const LONG = 70_000;

const post = (headers: string, body = BODY, target = ECHO): string =>
  `POST ${target} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n${body}`;
const get = (line: string, headers = HOST): string => `${line}\r\n${headers}${CLOSE}\r\n`;

const one = (what: string, status: number | readonly number[], request: string, code?: string): WireCase => ({
  what,
  request,
  status: [status].flat(),
  ...(code === undefined ? {} : { code }),
});

const LENGTHS: readonly WireCase[] = [
  one("the same length twice", 200, post(LENGTH + LENGTH)),
  one("two lengths", 400, post(`${LENGTH}content-length: 13\r\n`)),
  one("a list of lengths", 400, post("content-length: 12, 12\r\n")),
  one("a length with a sign", 400, post("content-length: +12\r\n")),
  one("a negative length", 400, post("content-length: -12\r\n")),
  one("a length in hexadecimal", 400, post("content-length: 0x0c\r\n")),
  one("an empty length", 400, post("content-length: \r\n")),
  one("a length over 64 bits", 400, post("content-length: 18446744073709551616\r\n")),
  one("the largest length", [400, 431], post("content-length: 18446744073709551615\r\n")),
  one("a huge length", 400, post("content-length: 18446744073709551610\r\n"), "incoming_too_long"),
  one("a length and chunks", 200, post(LENGTH + CHUNKED, IN_CHUNKS)),
  one("chunks and a length", 200, post(CHUNKED + LENGTH, IN_CHUNKS)),
];

const CHUNKS: readonly WireCase[] = [
  one("an extension of a chunk", 200, post(CHUNKED, `c;a=b\r\n${BODY}\r\n0\r\n\r\n`)),
  one("a long extension", 400, post(CHUNKED, `c;${"a".repeat(LONG)}\r\n${BODY}\r\n0\r\n\r\n`), "invalid"),
  one("a line feed in an extension", 400, post(CHUNKED, `c;a\nb\r\n${BODY}\r\n0\r\n\r\n`), "invalid"),
  one("a chunk over 64 bits", 400, post(CHUNKED, `fffffffffffffffff\r\n${BODY}`), "invalid"),
  one("a negative chunk", 400, post(CHUNKED, `-c\r\n${BODY}\r\n0\r\n\r\n`), "invalid"),
  one("a chunk that is longer than it says", 400, post(CHUNKED, `b\r\n${BODY}\r\n0\r\n\r\n`), "invalid"),
  one("chunks with bare line feeds", 400, post(CHUNKED, `c\n${BODY}\n0\n\n`), "invalid"),
  one("trailers", 200, post(CHUNKED, `c\r\n${BODY}\r\n0\r\nx-trailer: 1\r\ncontent-length: 3\r\n\r\n`)),
  one("many trailers", 400, post(CHUNKED, `c\r\n${BODY}\r\n0\r\n${"x: 1\r\n".repeat(5000)}\r\n`), "invalid"),
  one("another coding", 400, post("transfer-encoding: gzip\r\n")),
  one("another coding and chunks", 400, post("transfer-encoding: gzip, chunked\r\n", IN_CHUNKS), "invalid"),
  one("chunks and another coding", 400, post("transfer-encoding: chunked, gzip\r\n", IN_CHUNKS)),
  one("chunks twice", 400, post(CHUNKED + CHUNKED, IN_CHUNKS), "invalid"),
  one("something like chunks", 400, post("transfer-encoding: xchunked\r\n", IN_CHUNKS)),
  one("chunks behind a vertical tab", 400, post("transfer-encoding: \u000bchunked\r\n", IN_CHUNKS)),
  one("a space before a colon", 400, post("transfer-encoding : chunked\r\n", IN_CHUNKS)),
  one("chunks in HTTP/1.0", 400, `POST ${ECHO} HTTP/1.0\r\n${CHUNKED}\r\n${IN_CHUNKS}`),
];

const HEADS: readonly WireCase[] = [
  one("a folded line", 400, post(`${LENGTH}x-a: b\r\n c\r\n`)),
  one("bare line feeds", 200, "GET /health HTTP/1.1\nhost: 127.0.0.1\nconnection: close\n\n"),
  one("bare carriage returns", 400, "GET /health HTTP/1.1\rhost: 127.0.0.1\r\r"),
  one("NUL in a value", 400, post(`${LENGTH}x-a: b\0c\r\n`)),
  one("NUL in a name", 400, post(`${LENGTH}x\0a: b\r\n`)),
  one("NUL in a target", 400, get("GET /health\0 HTTP/1.1")),
  one("a name that is none", 400, post(`${LENGTH}: v\r\n`)),
  one("bytes over ASCII in a value", 200, get("GET /health HTTP/1.1", `${HOST}x-a: \u00e9\r\n`)),
  one("no host", 400, get("GET /health HTTP/1.1", ""), "invalid"),
  one("two hosts", 400, get("GET /health HTTP/1.1", HOST + HOST), "invalid"),
  one("a huge line", [400, 431], get(`GET /health HTTP/1.1\r\nx: ${"x".repeat(1_000_000)}`)),
  one("a huge name", [400, 431], get(`GET /health HTTP/1.1\r\n${"x".repeat(1_000_000)}: 1`)),
  one("10,000 lines", 431, get(`GET /health HTTP/1.1\r\n${"x: 1\r\n".repeat(10_000)}x: 1`)),
  one("a huge target", [414, 431], get(`GET /${"x".repeat(1_000_000)} HTTP/1.1`)),
  one("a huge method", [400, 405, 431], get(`${"A".repeat(200_000)} /health HTTP/1.1`)),
];

const LINES: readonly WireCase[] = [
  one("HTTP/0.9", 400, "GET /health\r\n\r\n"),
  one("HTTP/1.0", 200, "GET /health HTTP/1.0\r\n\r\n"),
  one("HTTP/1.2", 400, get("GET /health HTTP/1.2")),
  one("HTTP/2 by a preface", 0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  one("HTTP/2 by an upgrade", 200, get("GET /health HTTP/1.1", `${HOST}upgrade: h2c\r\n`)),
  one("TLS", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
  one("a URL", 200, get("GET http://127.0.0.1/health HTTP/1.1")),
  one("a URL of another host's path", [403, 404], get("GET http://elsewhere.test/nowhere HTTP/1.1")),
  one("a host and a port", [403, 404], get("GET elsewhere.test:80 HTTP/1.1")),
  one("an asterisk", 404, get("GET * HTTP/1.1"), "no_route"),
  one("CONNECT", 405, get("CONNECT elsewhere.test:80 HTTP/1.1"), "method_not_allowed"),
  one("CONNECT to an actor", 405, get(`CONNECT ${RAW} HTTP/1.1`), "method_not_allowed"),
  one("TRACE", 405, get("TRACE /health HTTP/1.1"), "method_not_allowed"),
  one("TRACE to an actor", 405, get(`TRACE ${RAW} HTTP/1.1`), "method_not_allowed"),
  one("a method in small letters", 405, get("get /health HTTP/1.1"), "method_not_allowed"),
  one("a method that is none", 400, get("G@T /health HTTP/1.1")),
  one("tabs", 400, get("GET\t/health\tHTTP/1.1")),
  one("two spaces", 400, get("GET  /health  HTTP/1.1")),
  one("a fragment", 200, get("GET /health#x HTTP/1.1")),
  one("backslashes", 404, get("GET /\\..\\health HTTP/1.1"), "no_route"),
  one("dots", 404, get("GET /gateway/../health HTTP/1.1")),
  one("two slashes", 404, get("GET //elsewhere.test/health HTTP/1.1"), "no_route"),
  one("an escape that is none", [400, 404], get("GET /gateway/%zz/health HTTP/1.1")),
  one(
    "NUL as an escape",
    [400, 404],
    get(`POST ${action("a%00b")} HTTP/1.1`, `${HOST}content-length: 0\r\n`),
  ),
];

const CONNECTION = "connection: upgrade\r\nupgrade: websocket\r\n";
const VERSION = "sec-websocket-version: 13\r\n";
const KEY = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const upgrade = (headers: string, body = "", method = "GET"): string =>
  `${method} ${connect()} HTTP/1.1\r\n${HOST}${CONNECTION}${VERSION}${headers}\r\n${body}`;

/** Handshakes that are none. These leave their connection open. */
export const HANDSHAKES: readonly WireCase[] = [
  one("a body", 400, upgrade(KEY + LENGTH, BODY), "invalid"),
  one("a body in chunks", 400, upgrade(KEY + CHUNKED, IN_CHUNKS), "invalid"),
  one("a short key", 400, upgrade("sec-websocket-key: AAAA\r\n"), "invalid"),
  one("a key that is no base64", 400, upgrade("sec-websocket-key: ????\r\n"), "invalid"),
  one("two keys", 400, upgrade(KEY + KEY), "invalid"),
  one("no key", 426, upgrade(""), "invalid"),
  one("another method", 426, upgrade(`${KEY}content-length: 0\r\n`, "", "POST"), "upgrade_required"),
];

const EXPECT = "expect: 100-continue\r\n";
const BODIES: readonly WireCase[] = [
  one("a body that is asked for", 100, post(LENGTH + EXPECT)),
  one(
    "a body that is not wanted",
    400,
    post(`content-length: 1000000\r\n${EXPECT}`, ""),
    "incoming_too_long",
  ),
  one(
    "a body that no handler wants",
    400,
    post(`content-length: 100000000\r\n${EXPECT}`, "", RAW),
    "incoming_too_long",
  ),
  one("something else that is expected", 200, post(`${LENGTH}expect: the unexpected\r\n`)),
  one("a compressed body", 415, post(`${LENGTH}content-encoding: gzip\r\n`), "content_encoding_unsupported"),
];

export const WIRE_CASES: readonly WireCase[] = [...LENGTHS, ...CHUNKS, ...HEADS, ...LINES, ...BODIES];
