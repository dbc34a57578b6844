import type { ActorObserver } from "@greenroom/client/observer";
import { useEffect, useInsertionEffect, useRef } from "react";

/** Calls the newest `handler` for each event of a name, for as long as the component is there. */
export function useEvent<Args extends readonly unknown[]>(
  { on }: ActorObserver<unknown>,
  event: string,
  handler: (...args: Args) => void,
): void {
  const newest = useRef(handler);
  // Before all other effects of the page, and without the warning that layout effects cause on servers.
  useInsertionEffect(() => {
    newest.current = handler;
  });
  useEffect(() => on<Args>(event, (...args) => newest.current(...args)), [on, event]);
}
