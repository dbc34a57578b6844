/** The hosts and origins that a registry is told of, in the form in which the core compares them. */
import { type Environment, variable } from "./environment.js";

/** The value of `allowedHosts`, out of the option or the environment. @throws Error naming what is wrong */
export function allowedHosts(given: unknown, env: Environment): readonly string[] | undefined {
  return listOf(given, "allowedHosts", env, "GREENROOM_ALLOWED_HOSTS", parseHost);
}

/** The value of `allowedOrigins`. @throws Error naming what is wrong */
export function allowedOrigins(given: unknown, env: Environment): readonly string[] | undefined {
  return listOf(given, "allowedOrigins", env, "GREENROOM_ALLOWED_ORIGINS", parseOrigin);
}

function listOf(
  given: unknown,
  option: string,
  env: Environment,
  name: string,
  parse: (text: string) => string | undefined,
): readonly string[] | undefined {
  const found = variable(env, name);
  if (given === undefined && found === undefined) return undefined;
  const what = given === undefined ? name : `setup option '${option}'`;
  const texts: unknown = given ?? found?.value.split(",").map((text) => text.trim());
  if (!Array.isArray(texts)) throw new Error(`${what} has to be a list of texts`);
  return texts.map((text: unknown) => {
    const parsed = typeof text === "string" ? parse(text) : undefined;
    if (parsed !== undefined) return parsed;
    const examples = option === "allowedHosts" ? "`example.com`, `.example.com`" : "`https://example.com`";
    throw new Error(`${what} has \`${String(text)}\`, which is none of ${examples} or \`*\``);
  });
}

/** A host as browsers write it; undefined for what is none. */
function parseHost(text: string): string | undefined {
  if (text === "*") return text;
  // With a port it would never match; the usual one is lost in a URL.
  if (/:\d*$/.test(text)) return undefined;
  const dot = text.startsWith(".") ? "." : "";
  const url = parseUrl(`http://${text.slice(dot.length)}`);
  return isBare(url, "/") ? dot + (url?.host ?? "") : undefined;
}

/** An origin as browsers write it; undefined for what is none. */
function parseOrigin(text: string): string | undefined {
  if (text === "*" || text === "null") return text;
  const [scheme, below] = text.split("://*.");
  const url = parseUrl(below === undefined ? text : `${scheme}://${below}`);
  if (url === undefined || url.host === "" || !(isBare(url, "/") || isBare(url, ""))) return undefined;
  return `${url.protocol}//${below === undefined ? "" : "*."}${url.host}`;
}

function isBare(url: URL | undefined, path: string): boolean {
  return url !== undefined && url.pathname === path && `${url.username}${url.search}${url.hash}` === "";
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) && !text.includes("*") ? new URL(text) : undefined;
}
