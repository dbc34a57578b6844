import type { ActorError } from "@greenroom/client";
import type { ObservedFailure } from "@greenroom/client/observer";

// Bundlers replace the expression below, as they do for React itself.
declare const process: { readonly env: { readonly NODE_ENV?: string } };

/** Whether sentences for developers are wanted. Not where nobody says so. */
export const isDevelopment: boolean = (() => {
  try {
    return process.env.NODE_ENV !== "production";
  } catch {
    return false;
  }
})();

const RETRY =
  "It tries again after 250 ms at first, up to every 30 s, and at once when params or key change.";

/** Tells developers, in the console, what went wrong and what to do. */
export function report({ error, options, isConnected }: ObservedFailure): void {
  if (!isDevelopment) return;
  const where = options ? `useActor(${options.name}, ${JSON.stringify(options.key)})` : "@greenroom/react";
  const advice = isConnected ? error.message : adviceOn(error);
  console.warn(`${where}: ${error.group}.${error.code}: ${advice}`);
}

/** The error's message, and what may help. */
function adviceOn({ group, code, message }: ActorError): string {
  switch (`${group}.${code}`) {
    case "client.invalid_options":
    case "client.unstable_options":
      return message;
    case "client.connection_open_failed":
    case "client.endpoint_unreachable":
      return `${message}. Is the server running, and is this its address? ${RETRY}`;
    case "client.connection_disposed":
    case "client.disposed":
      return `${message}. Hooks close their connections themselves: leave \`dispose\` to them.`;
    case "actor.not_registered":
      return `${message}. Is the actor in the \`use\` of the server's \`setup\`? ${RETRY}`;
    case "actor.not_found":
      return `${message}. With \`noCreate\`, somebody else has to create it. ${RETRY}`;
    default:
      return `${message}. ${RETRY}`;
  }
}
