import { useSyncExternalStore } from "react";
import { LOTS, type Lot, lotOf } from "../lots.js";
import { Auction } from "./auction.js";
import { Picture } from "./picture.js";
import { useVisitor } from "./visitor.js";

/** `#tide/back-room`: which lot, and maybe an auction of one's own. */
function useKey(): string[] {
  const hash = useSyncExternalStore(
    (tell) => {
      addEventListener("hashchange", tell);
      return () => removeEventListener("hashchange", tell);
    },
    () => location.hash,
  );
  const parts = hash.slice(1).split("/").filter(Boolean).map(decoded);
  return parts.length > 0 ? parts : [LOTS[0]?.id ?? ""];
}

/** What stands in an address may be written by hand. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function App() {
  const key = useKey();
  const [visitor, enter] = useVisitor();
  return (
    <>
      <Auction key={key.join("/")} auctionKey={key} visitor={visitor} onEnter={enter} />
      <nav className="tonight" aria-label="Lots of tonight">
        {LOTS.map((lot) => (
          <Card key={lot.id} lot={lot} room={key.slice(1)} isCurrent={lot === lotOf(key[0])} />
        ))}
      </nav>
    </>
  );
}

function Card({ lot, room, isCurrent }: { lot: Lot; room: readonly string[]; isCurrent: boolean }) {
  const hash = [lot.id, ...room].map(encodeURIComponent).join("/");
  return (
    <a className="card" href={`#${hash}`} aria-current={isCurrent ? "page" : undefined}>
      <span className="thumb">
        <Picture id={lot.id} />
      </span>
      <span className="about">
        <span className="faint">Lot {lot.number}</span>
        <strong>{lot.title}</strong>
        <span className="faint">{lot.artist}</span>
      </span>
    </a>
  );
}
