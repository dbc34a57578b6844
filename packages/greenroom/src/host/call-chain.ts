/**
 * Which calls a call from another actor is part of, to tell a circle from a queue.
 *
 * A link is a text of two parts: what identifies a call in this process, and how messages name it.
 */
import type { Instance } from "./instance.js";

/** The calls that wait for a call, the first one first. Empty for calls that no actor made. */
export type CallChain = readonly string[];

/** Where a call comes from. */
export interface CallOrigin {
  /** Whether the caller can take a result that streams. */
  readonly takesStreams: boolean;
  /** Whether the call runs once, so that its caller may come back for the answer. */
  readonly isOnce: boolean;
  /** The calls that wait for it. */
  readonly chain: CallChain;
}

const SEPARATOR = " ";

/** A link for the call `id` of `action`. */
export function linkOf(instance: Instance, id: number, action: string): string {
  return identity(instance, id) + SEPARATOR + nameOf(instance, action);
}

/** How messages name a call. */
export function nameOf(instance: Instance, action: string): string {
  return `${instance.name}/${instance.key.join("/")}.${action}`;
}

/** The names of the calls from call `id` of `instance` on; undefined if it is not in the chain. */
export function circleFrom(chain: CallChain, instance: Instance, id: number): string[] | undefined {
  const start = identity(instance, id) + SEPARATOR;
  const index = chain.findIndex((link) => link.startsWith(start));
  if (index < 0) return undefined;
  return namesOf(chain.slice(index));
}

/** How messages name the calls of a chain. */
export function namesOf(chain: CallChain): string[] {
  return chain.map((link) => link.slice(link.indexOf(SEPARATOR) + 1));
}

/** A chain as a header has it. */
export function headerOf(chain: CallChain): string {
  return chain.map(encodeURIComponent).join(",");
}

/** Reads that. @throws Error if it is malformed */
export function chainOfHeader(text: string): CallChain {
  return text.split(",").map(decodeURIComponent);
}

function identity(instance: Instance, id: number): string {
  return `${instance.actorId}.${instance.id}.${id}`;
}
