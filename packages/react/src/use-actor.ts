import { ActorClientError } from "@greenroom/client";
import {
  type ActorObserver,
  type ActorSnapshot,
  type AnyObserveOptions,
  IDLE,
} from "@greenroom/client/observer";
import { useMemo } from "react";
import { useEvent } from "./use-event.js";
import { type Observe, useObserver } from "./use-observer.js";

/** `useActor` of what `observe` observes. */
export function useActor(observe: Observe, options: AnyObserveOptions): object {
  const { observer, snapshot } = useObserver(observe, options, idle);
  return useResult(observer, snapshot, options);
}

/** `useSuspenseActor` of what `observe` observes. */
export function useSuspenseActor(observe: Observe, options: AnyObserveOptions): object {
  const { observer, snapshot } = useObserver(observe, options, failOnServer);
  const preparation = observer.prepare();
  // React waits for a promise that is thrown, and renders the component again.
  if (preparation.status === "pending") throw preparation.promise;
  if (preparation.status === "failed") throw preparation.error;
  return useResult(observer, snapshot, options);
}

function useResult(
  observer: ActorObserver<unknown>,
  snapshot: ActorSnapshot<unknown>,
  options: AnyObserveOptions,
): object {
  const useEventOfActor = useMemo(() => useEvent.bind(null, observer), [observer]);
  // Programs without types may pass anything.
  const { enabled = true, noCreate = false } = options ?? {};
  const opts = { ...options, enabled, noCreate };
  return { ...snapshot, hash: observer.hash, opts, useEvent: useEventOfActor };
}

function idle(): ActorSnapshot<unknown> {
  return IDLE;
}

/** Servers leave the component to the browser: in its place they send the fallback of the Suspense boundary. */
function failOnServer(): never {
  throw new ActorClientError(
    "not_on_servers",
    "useSuspenseActor connects in browsers only; on the server its <Suspense> shows the fallback",
  );
}
