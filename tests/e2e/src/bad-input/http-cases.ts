/** Requests that something is wrong with, apart from their bodies. */
import type { RawRequest } from "./raw-http.js";
import { action, query } from "./urls.js";

/** A request and what it gets. */
export interface HttpCase {
  readonly what: string;
  readonly request: RawRequest;
  readonly status: number;
  /** `group.code`. */
  readonly error: string;
}

const NONE = '{"args":[]}';

function refused(what: string, status: number, error: string, request: RawRequest): HttpCase {
  return { what, status, error, request: { body: NONE, ...request } };
}

/** A gateway query with one thing wrong. */
function badQuery(what: string, code: string, path: string): HttpCase {
  return refused(what, 400, `guard.${code}`, { path });
}

const long = (length: number) => "x".repeat(length);
const ID = "0123456789abcdef0123456789abcdef";

/** What an engine of RivetKit's would send to a program without a server of its own. */
const startHeaders = (endpoint: string, slots: string) => ({
  "x-rivet-endpoint": endpoint,
  "x-rivet-total-slots": slots,
  "x-rivet-runner-name": "default",
  "x-rivet-namespace-name": "default",
});

const ROUTES: readonly HttpCase[] = [
  ...["/start", "/api/rivet/start"].flatMap((path) => [
    refused(`an engine's start at ${path}`, 404, "guard.no_route", {
      path,
      headers: startHeaders("http://engine.test", "1"),
    }),
    refused(`a start at ${path} whose headers make no sense`, 404, "guard.no_route", {
      path,
      headers: startHeaders("not a url", "many"),
    }),
  ]),
  refused("more header lines than there may be", 431, "request.headers_too_large", {
    method: "GET",
    path: "/health",
    headers: Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`x-${n}`, "1"])),
  }),
  refused("headers that are too large", 431, "request.headers_too_large", {
    method: "GET",
    path: "/health",
    headers: { "x-large": long(70_000) },
  }),
  refused("unknown path", 404, "guard.no_route", { method: "GET", path: "/nowhere" }),
  refused("unknown path, POST", 404, "guard.no_route", { path: "/metadata/more" }),
  refused("gateway without an actor", 404, "guard.no_route", { path: "/gateway" }),
  refused("gateway with an empty actor", 404, "guard.no_route", { path: "/gateway/" }),
  refused("// before the gateway", 404, "guard.no_route", { path: `/${action("getCount")}` }),
  refused("// before the actor", 404, "guard.no_route", {
    path: `/gateway//counter/action/getCount?${query()}`,
  }),
  refused("// before the action", 404, "guard.no_route", {
    path: `/gateway/counter/action//getCount?${query()}`,
  }),
  refused("only slashes", 404, "guard.no_route", { path: "//" }),
  refused("dots instead of a name", 404, "actor.not_registered", { path: action("x", { actor: ".." }) }),
  refused("unknown path of an actor", 404, "actor.not_found", {
    path: `/gateway/counter/nowhere?${query()}`,
  }),
  refused("no action name", 404, "actor.not_found", { path: action("") }),
  refused("two action names", 404, "actor.not_found", { path: action("a/b") }),
  refused("what is no message to a queue", 400, "request.invalid", {
    path: `/gateway/counter/queue/jobs?${query()}`,
  }),
  refused("connect without an upgrade", 426, "guard.upgrade_required", {
    method: "GET",
    path: `/gateway/counter/connect?${query()}`,
  }),
  refused("an action by GET", 405, "actor.method_not_allowed", { method: "GET", path: action("getCount") }),
  refused("an action by PUT", 405, "actor.method_not_allowed", { method: "PUT", path: action("getCount") }),
  refused("an action by DELETE", 405, "actor.method_not_allowed", {
    method: "DELETE",
    path: action("getCount"),
  }),
  refused("a made-up method", 405, "actor.method_not_allowed", { method: "PURGE", path: action("getCount") }),
  refused("metadata by POST", 405, "actor.method_not_allowed", { path: "/metadata" }),
  refused("health by DELETE", 405, "actor.method_not_allowed", { method: "DELETE", path: "/health" }),
  refused("an actor's metadata by POST", 405, "actor.method_not_allowed", {
    path: `/gateway/counter/metadata?${query()}`,
  }),
];

const TARGETS: readonly HttpCase[] = [
  refused("unknown actor", 404, "actor.not_registered", { path: action("x", { actor: "stranger" }) }),
  refused("__proto__ as an actor", 404, "actor.not_registered", {
    path: action("x", { actor: "__proto__" }),
  }),
  refused("a key that nobody has", 404, "actor.not_found", {
    path: action("getCount", {
      changes: { "rvt-method": "get", "rvt-runner": undefined, "rvt-key": "nobody" },
    }),
  }),
  refused("an id that nobody has", 404, "actor.not_found", { path: `/gateway/${ID}/action/getCount` }),
  refused("what cannot be an id", 404, "actor.not_found", { path: "/gateway/~!~/action/getCount" }),
  refused("an id of the wrong length", 404, "actor.not_found", {
    path: `/gateway/${long(500)}/action/getCount`,
  }),
  refused("unknown action", 404, "actor.action_not_found", { path: action("nope") }),
  refused("__proto__ as an action", 404, "actor.action_not_found", { path: action("__proto__") }),
  refused("constructor as an action", 404, "actor.action_not_found", { path: action("constructor") }),
  refused("a path into an action", 404, "actor.action_not_found", { path: action("getCount.call") }),
  refused("an escape that is none in an action", 404, "actor.action_not_found", { path: action("%zz") }),
  refused("an action name that is not UTF-8", 400, "request.invalid", { path: action("%ff") }),
  refused("an action name over the limit", 400, "request.invalid", { path: action(long(257)) }),
  refused("an actor name over the limit", 400, "guard.query_invalid_params", {
    path: action("x", { actor: long(65) }),
  }),
  refused("a part of a key over the limit", 400, "actor.key_too_large", {
    path: action("x", { changes: { "rvt-key": long(129) } }),
  }),
  refused("a key over the limit", 400, "actor.key_too_large", {
    path: action("x", { changes: { "rvt-key": Array.from({ length: 12 }, () => long(100)).join(",") } }),
  }),
  refused("unknown namespace", 400, "namespace.not_found", {
    path: action("x", { changes: { "rvt-namespace": "elsewhere" } }),
  }),
  refused("a header that names no actor", 400, "guard.missing_header", {
    path: "/request",
    headers: { "x-rivet-target": "actor" },
  }),
  refused("a header that names something else", 400, "guard.invalid_target", {
    path: "/request",
    headers: { "x-rivet-target": "engine" },
  }),
  refused("params that are not JSON", 400, "encoding.invalid", {
    path: action("getCount"),
    headers: { "x-rivet-conn-params": "{nope" },
  }),
  refused("params over the limit", 400, "message.incoming_too_long", {
    path: action("getCount"),
    headers: { "x-rivet-conn-params": JSON.stringify(long(4096)) },
  }),
];

const changed = (changes: Readonly<Record<string, string | undefined>>) => action("getCount", { changes });

const QUERIES: readonly HttpCase[] = [
  badQuery("no namespace", "query_invalid_params", changed({ "rvt-namespace": undefined })),
  badQuery("no method", "query_invalid_params", changed({ "rvt-method": undefined })),
  badQuery("an unknown method", "query_invalid_params", changed({ "rvt-method": "steal" })),
  badQuery("an unknown parameter", "query_invalid_params", changed({ "rvt-nope": "1" })),
  badQuery("an unknown crash policy", "query_invalid_params", changed({ "rvt-crash-policy": "panic" })),
  badQuery("a switch that is none", "query_invalid_params", changed({ "rvt-skip-ready-wait": "perhaps" })),
  badQuery("a parameter twice", "query_duplicate_param", `${changed({})}&rvt-key=again`),
  badQuery("no pool", "query_missing_pool", changed({ "rvt-runner": undefined })),
  badQuery("get with a pool", "query_get_disallowed_params", changed({ "rvt-method": "get" })),
  badQuery("a token behind a name", "query_path_token_syntax", action("x", { actor: "counter@token" })),
  badQuery("an empty name", "query_empty_actor_name", `/gateway/?${query()}`),
  badQuery("input that is not base64", "query_invalid_base64_input", changed({ "rvt-input": "%2A%2A" })),
  badQuery("input that is not CBOR", "query_invalid_cbor_input", changed({ "rvt-input": "_w" })),
  badQuery(
    "an escape that is none in a key",
    "query_invalid_percent_encoding",
    changed({ "rvt-key": "%zz" }),
  ),
  badQuery("an escape cut short", "query_invalid_percent_encoding", changed({ "rvt-key": "a%4" })),
  badQuery("a key that is not UTF-8", "query_invalid_percent_encoding", changed({ "rvt-key": "%ff" })),
  badQuery(
    "an escape that is none in a name",
    "query_invalid_percent_encoding",
    action("x", { actor: "%zz" }),
  ),
];

const json = (value: unknown) => ({
  body: JSON.stringify(value),
  headers: { "content-type": "application/json" },
});
const lookup = (
  what: string,
  status: number,
  error: string,
  request: Omit<RawRequest, "path">,
  path = "/actors",
) => refused(what, status, error, { method: "PUT", path, ...request });

const LOOKUPS: readonly HttpCase[] = [
  lookup("a lookup that is not JSON", 400, "api.bad_request", { body: "{" }),
  lookup("a lookup that is not UTF-8", 400, "api.bad_request", { body: Buffer.from([0x22, 0xff, 0x22]) }),
  lookup("a lookup without a body", 400, "api.bad_request", { body: "" }),
  lookup("a lookup without a name", 400, "api.bad_request", json({ key: "a" })),
  lookup(
    "a lookup with an unknown field",
    400,
    "api.bad_request",
    json({ name: "counter", key: "a", nope: 1 }),
  ),
  lookup("a lookup of the wrong type", 400, "api.bad_request", json({ name: 7 })),
  lookup("a lookup of a list", 400, "api.bad_request", json([])),
  lookup("a lookup as deep as a well", 400, "api.bad_request", { body: "[".repeat(100_000) }),
  lookup("a lookup of an unknown actor", 404, "actor.not_registered", json({ name: "stranger", key: "a" })),
  lookup("a lookup with a long key", 400, "actor.key_too_large", json({ name: "counter", key: long(129) })),
  lookup("a lookup with a long name", 400, "actor.invalid_name", json({ name: long(65), key: "a" })),
  lookup(
    "input that is not base64",
    400,
    "validation.invalid_input",
    json({ name: "memory", key: "a", input: "*" }),
  ),
  lookup(
    "input that is not CBOR",
    400,
    "validation.invalid_input",
    json({ name: "memory", key: "a", input: "/w==" }),
  ),
  lookup("creating it twice", 400, "actor.duplicate_key", {
    method: "POST",
    ...json({ name: "counter", key: "bad-input" }),
  }),
  lookup("another method", 405, "actor.method_not_allowed", { method: "PATCH" }),
  lookup("a key of nothing", 400, "validation.invalid_input", { method: "GET" }, "/actors?key=k"),
  lookup(
    "a listing by no number",
    400,
    "validation.invalid_input",
    { method: "GET" },
    "/actors?name=counter&limit=x",
  ),
  lookup(
    "a listing from nowhere",
    400,
    "validation.invalid_input",
    { method: "GET" },
    "/actors?name=counter&cursor=*",
  ),
  lookup(
    "a listing elsewhere",
    400,
    "namespace.not_found",
    { method: "GET" },
    "/actors?name=counter&namespace=x",
  ),
  lookup("destroying what is no id", 404, "actor.not_found", { method: "DELETE" }, "/actors/nope"),
  lookup("an unknown path of the lookup", 404, "guard.no_route", { method: "GET" }, "/actors/a/b/c"),
];

/** All of them. */
export const HTTP_CASES: readonly HttpCase[] = [...ROUTES, ...TARGETS, ...QUERIES, ...LOOKUPS];
