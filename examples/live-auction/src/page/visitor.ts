import { useState } from "react";
import type { Visitor } from "../registry.js";

/** Who looks at this window. Each window is somebody else, so that one person can try an auction alone. */
export function useVisitor(): [Visitor, enter: (name: string) => void] {
  const [visitor, setVisitor] = useState<Visitor>(() => ({
    secret: kept("secret", crypto.randomUUID()),
    name: sessionStorage.getItem("name") ?? "",
  }));
  const enter = (name: string) => {
    sessionStorage.setItem("name", name);
    setVisitor((before) => ({ ...before, name }));
  };
  return [visitor, enter];
}

function kept(key: string, fresh: string): string {
  const value = sessionStorage.getItem(key) ?? fresh;
  sessionStorage.setItem(key, value);
  return value;
}
