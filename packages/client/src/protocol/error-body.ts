import { ActorError, type ErrorActor } from "../errors.js";
import type { BareReader } from "./bare.js";

/** An error as it travels, in every encoding. */
export interface ErrorBody {
  readonly group: string;
  readonly code: string;
  readonly message: string;
  readonly metadata?: unknown;
  readonly actor?: ErrorActor;
}

/** Reads the fields that the error struct starts with in all BARE messages. */
export function readErrorFields(reader: BareReader): ErrorBody {
  const group = reader.str();
  const code = reader.str();
  const message = reader.str();
  const metadata = reader.optional(() => reader.value());
  return { group, code, message, metadata };
}

/** Reads the optional `actor` that version 4 added to the end of errors. */
export function readErrorActor(reader: BareReader): ErrorActor | undefined {
  if (reader.version < 4) return undefined;
  return reader.optional(() => {
    const actorId = reader.str();
    const generation = reader.uint();
    const key = reader.optional(() => reader.str());
    return { actorId, generation, ...(key !== undefined && { key }) };
  });
}

/** Checks a decoded object. `undefined` when it is no error. */
export function parseErrorBody(value: unknown): ErrorBody | undefined {
  const { group, code, message, metadata, actor } = Object(value) as Readonly<
    Record<keyof ErrorBody, unknown>
  >;
  if (typeof group !== "string" || typeof code !== "string" || typeof message !== "string") return undefined;
  return { group, code, message, metadata, actor: parseActor(actor) };
}

function parseActor(value: unknown): ErrorActor | undefined {
  const { actorId, generation, key } = Object(value) as Readonly<Record<keyof ErrorActor, unknown>>;
  if (typeof actorId !== "string") return undefined;
  return {
    actorId,
    // 64 bits in CBOR.
    generation: Number(generation ?? 0),
    ...(typeof key === "string" && { key }),
  };
}

/** The error that callers see. */
export function toActorError(body: ErrorBody, statusCode?: number): ActorError {
  return new ActorError(body.group, body.code, body.message, {
    metadata: body.metadata,
    actor: body.actor,
    statusCode,
  });
}
