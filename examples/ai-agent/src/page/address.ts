/** `#desk/conversation`: the keys of the two actors that the page shows. Who has the address has the conversation. */
import { useSyncExternalStore } from "react";

export interface Address {
  readonly desk: string;
  readonly conversation: string;
}

export function useAddress(): Address {
  const hash = useSyncExternalStore(subscribe, current);
  const [desk = "", conversation = ""] = hash.slice(1).split("/");
  return { desk, conversation };
}

/** The address of a conversation of a desk; without an id, of one that nobody has begun. */
export const addressOf = (desk: string, conversation = fresh()): string => `#${desk}/${conversation}`;

export function goTo(address: string): void {
  location.hash = address;
}

function subscribe(tell: () => void): () => void {
  addEventListener("hashchange", tell);
  return () => removeEventListener("hashchange", tell);
}

/** Whoever comes without an address gets their desk, and a new conversation on it. */
function current(): string {
  if (!/^#[\w-]+\/[\w-]+$/.test(location.hash)) {
    const desk = localStorage.getItem("desk") ?? fresh();
    localStorage.setItem("desk", desk);
    history.replaceState(null, "", addressOf(desk));
  }
  return location.hash;
}

/** Nobody can guess it. */
const fresh = () => crypto.randomUUID().replaceAll("-", "").slice(0, 20);
