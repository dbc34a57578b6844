import type { ActorObserver, ActorSnapshot, AnyObserveOptions } from "@greenroom/client/observer";
import { useCallback, useMemo, useSyncExternalStore } from "react";
import { useSteady } from "./use-steady.js";

/** Makes the observer that options ask for. The same function in all renderings. */
export type Observe = (options: AnyObserveOptions) => ActorObserver<unknown>;

/** Observes what `options` say for as long as the component is there. */
export function useObserver(
  observe: Observe,
  options: AnyObserveOptions,
  onServer: () => ActorSnapshot<unknown>,
): { readonly observer: ActorObserver<unknown>; readonly snapshot: ActorSnapshot<unknown> } {
  const asked = observe(options);
  // Options are new objects at each rendering; the hash says whether they mean something else.
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  const wanted = useMemo(() => asked, [observe, asked.hash, asked.enabled]);
  const [observer, causeRendering] = useSteady(wanted, options?.name);
  const subscribe = useCallback(
    (listener: () => void) => {
      causeRendering();
      return observer.subscribe(() => {
        causeRendering();
        listener();
      });
    },
    [observer, causeRendering],
  );
  const snapshot = useSyncExternalStore(subscribe, observer.getSnapshot, onServer);
  return { observer, snapshot };
}
