import type { StartedInfo } from "@greenroom/native";
import { VERSION } from "../version.js";
import type { ResolvedRegistry } from "./config.js";

/** Says on standard output that the registry serves, and where. */
export function welcome(info: StartedInfo, { actors, dataDir }: ResolvedRegistry): void {
  const names = [...actors.keys()].join(", ");
  console.log(
    `Greenroom ${VERSION} listens on ${info.url} (process ${process.pid})\n  actors: ${names}\n  data:   ${dataDir}`,
  );
}
