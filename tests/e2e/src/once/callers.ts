/** Those who call `account`s and leave it to the client to make calls again. */

import type { ActorHandle } from "@greenroom/client";
import { ActorError, isActorErrorCode } from "@greenroom/client";
import type { Random } from "../kill/random.js";
import type { account } from "../server/once-registry.js";
import type { AccountModel, Outcome } from "./account-model.js";

/** What both handles and connections can do. */
export type Surface = Pick<ActorHandle<typeof account>, "add" | "addLater" | "addTwice" | "refuse">;

/** Makes one call after the other until `stop`. @throws whatever faults do not explain. */
export async function keepCalling(
  name: string,
  surface: Surface,
  model: AccountModel,
  random: Random,
  stop: AbortSignal,
): Promise<void> {
  for (let n = 0; !stop.aborted; n++) {
    const entry = `${name}:${n}`;
    const kind = random.between(0, 10);
    if (kind < 6) {
      const settle = model.begin("add", entry);
      settle(await surface.add(entry));
    } else if (kind === 6) {
      const settle = model.begin("addLater", entry);
      settle(await outcomeOf(surface.addLater(entry, random.between(0, 40))));
    } else if (kind < 9) {
      const settle = model.begin("addTwice", entry);
      settle(await outcomeOf(surface.addTwice(entry, random.between(0, 40))));
    } else {
      // Errors that an action throws are answers like any other.
      const settle = model.begin("addLater", entry);
      settle(await surface.refuse(entry).then(unexpected, refusedAt));
    }
  }
}

async function outcomeOf(call: Promise<number>): Promise<Outcome> {
  try {
    return await call;
  } catch (error) {
    if (isActorErrorCode(error, "actor", "call_interrupted")) return "interrupted";
    throw error;
  }
}

function unexpected(): never {
  throw new Error("the action throws, and its caller heard of a result");
}

function refusedAt(error: unknown): number {
  if (!(error instanceof ActorError) || error.code !== "refused") throw error;
  return (error.metadata as { entries: number }).entries;
}
