/** Settings of `registry.listen(...)` on top of those of the registry. */
import { resolve } from "node:path";
import type { ActorDefinitions, RegistryConfig, ResolvedRegistry } from "./config.js";
import { type Environment, portVariable, wholeNumber } from "./environment.js";
import type { ListenOptions } from "./surface.js";

/** The port of a web server. */
const DEFAULT_PORT = 3000;
const KNOWN: ReadonlySet<string> = new Set(["port", "host", "publicDir"]);

/** @throws Error naming the option that is unknown or has a wrong value */
export function listenSettings(
  settings: ResolvedRegistry,
  config: RegistryConfig<ActorDefinitions>,
  options: ListenOptions,
  env: Environment,
): ResolvedRegistry {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new Error(`listen option '${name}' is ${unknownOption(name)}`);
  }
  const { host, publicDir } = options;
  const given = options.port ?? config.port ?? config.httpPort;
  const port = given ?? portVariable(env, "GREENROOM_PORT", "RIVET_PORT") ?? DEFAULT_PORT;
  return {
    ...settings,
    port: wholeNumber(port, "listen option 'port'", 0, 65_535),
    host: text(host, "host") ?? settings.host,
    staticDir: publicDir === undefined ? settings.staticDir : resolve(text(publicDir, "publicDir") ?? ""),
  };
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw new Error(`listen option '${name}' has to be a text that is not empty, and is \`${String(value)}\``);
}

function unknownOption(name: string): string {
  if (name !== "application") return "unknown";
  return "not supported: let your application listen, and mount `registry.handler` in it";
}
