import { ActorClientError } from "@greenroom/client";
import { type ActorObserver, failedObserver } from "@greenroom/client/observer";
import { useEffect, useRef, useState } from "react";
import { report } from "./report.js";

/** Changes of the options in a row that only our own renderings can have caused. */
const MOST_CHANGES = 10;

/**
 * Keeps a component from going in circles: one whose options differ at each rendering (`params: { now: Date.now() }`)
 * would connect anew because it rendered, and render because it connected anew.
 *
 * Gives `observer`, or one that failed once that has happened too often, until the component renders for a reason of its
 * own and its options are the same.
 *
 * @returns the observer, and what has to be called before each rendering that a change of the observer causes.
 */
export function useSteady(
  observer: ActorObserver<unknown>,
  name: string,
): readonly [observer: ActorObserver<unknown>, causeRendering: () => void] {
  const [failed, setFailed] = useState<ActorObserver<unknown>>();
  const [track] = useState(() => ({ hash: observer.hash, caused: false, changes: 0 }));
  const causeRendering = useRef(() => {
    track.caused = true;
  }).current;

  useEffect(() => {
    const { caused } = track;
    const changed = track.hash !== observer.hash;
    if (changed) track.changes = caused ? track.changes + 1 : 0;
    track.hash = observer.hash;
    track.caused = false;
    if (failed === undefined && track.changes >= MOST_CHANGES) {
      causeRendering();
      setFailed(failedObserver(unstableOptions(name)));
    } else if (failed !== undefined && !changed && !caused) {
      track.changes = 0;
      setFailed(undefined);
    }
  });
  return [failed ?? observer, causeRendering];
}

function unstableOptions(name: string): ActorClientError {
  const error = new ActorClientError(
    "unstable_options",
    `the key or the params of actor \`${name}\` change whenever it renders: keep them, for example with useMemo`,
  );
  report(error, undefined);
  return error;
}
