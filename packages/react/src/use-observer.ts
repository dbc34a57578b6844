import type { ActorObserver, ActorSnapshot, AnyObserveOptions } from "@greenroom/client/observer";
import { useMemo, useSyncExternalStore } from "react";
import { useSteady } from "./use-steady.js";

/** Makes the observer that options ask for. The same function in all renderings. */
export type Observe = (options: AnyObserveOptions) => ActorObserver<unknown>;

/** Observes what `options` say for as long as the component is there. */
export function useObserver(
  observe: Observe,
  options: AnyObserveOptions,
  onServer: () => ActorSnapshot<unknown>,
): { readonly observer: ActorObserver<unknown>; readonly snapshot: ActorSnapshot<unknown> } {
  const given = observe(options);
  // Options are new objects at each rendering; the hash says whether they mean something else.
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const asked = useMemo(() => given, [observe, given.hash, given.enabled]);
  const { observer, subscribe, getSnapshot } = useSteady(asked, options?.name);
  const snapshot = useSyncExternalStore(subscribe, getSnapshot, onServer);
  return { observer, snapshot };
}
