import { useLayoutEffect, useRef } from "react";

/** How near the bottom counts as there, in pixels. */
const NEAR = 80;

/** Keeps the end of what scrolls in sight while it grows, unless somebody has scrolled away from it. */
export function useBottom<Element extends HTMLElement>(content: unknown) {
  const ref = useRef<Element>(null);
  const isAtBottom = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there is more to show
  useLayoutEffect(() => {
    const { current } = ref;
    if (current && isAtBottom.current) current.scrollTop = current.scrollHeight;
  }, [content]);
  const onScroll = () => {
    const { current } = ref;
    if (current) isAtBottom.current = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR;
  };
  return { ref, onScroll };
}
