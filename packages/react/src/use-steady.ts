import {
  type ActorObserver,
  type ActorSnapshot,
  failedObserver,
  unstableOptions,
} from "@greenroom/client/observer";
import { useEffect, useMemo, useState } from "react";
import { report } from "./report.js";

/** Changes of the options in a row that only our own renderings can have caused. */
const MOST_CHANGES = 10;

/** An observer to be rendered, for `useSyncExternalStore`. */
export interface Steady {
  readonly observer: ActorObserver<unknown>;
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => ActorSnapshot<unknown>;
}

/**
 * Keeps a component from going in circles: one whose options differ at each rendering (`params: { now: Date.now() }`)
 * would connect anew because it rendered, and render because it connected anew.
 *
 * Gives `asked`, or an observer that failed once that has happened too often, until the component renders for a reason
 * of its own and its options are the same.
 */
export function useSteady(asked: ActorObserver<unknown>, name: string): Steady {
  const [failed, setFailed] = useState<ActorObserver<unknown>>();
  const [track] = useState(() => new Track(asked.hash));

  // Before the effect that subscribes.
  useEffect(() => {
    const { caused } = track;
    const changed = track.hash !== asked.hash;
    if (changed) track.changes = caused ? track.changes + 1 : 0;
    track.hash = asked.hash;
    track.caused = false;
    if (track.failed === undefined && track.changes >= MOST_CHANGES) {
      const error = unstableOptions(name);
      report({ error, isConnected: false });
      track.caused = true;
      track.failed = failedObserver(error);
      setFailed(track.failed);
    } else if (track.failed !== undefined && !changed && !caused) {
      track.changes = 0;
      track.failed = undefined;
      setFailed(undefined);
    }
  });

  const observer = failed ?? asked;
  return useMemo(
    () => ({
      observer,
      // React may put off what was set above, and go in circles until it gives up.
      getSnapshot: () => (track.failed ?? observer).getSnapshot(),
      subscribe(listener) {
        if (track.failed !== undefined) return () => {};
        track.caused = true;
        return observer.subscribe(() => {
          track.caused = true;
          listener();
        });
      },
    }),
    [observer, track],
  );
}

/** What happened to the options of a component, as far as its renderings were committed. */
class Track {
  hash: string;
  /** Whether the next rendering will be because of us. */
  caused = false;
  changes = 0;
  failed: ActorObserver<unknown> | undefined;

  constructor(hash: string) {
    this.hash = hash;
  }
}
