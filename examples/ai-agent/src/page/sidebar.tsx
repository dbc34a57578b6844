import { useEffect, useState } from "react";
import type { Entry } from "../desk.js";
import { type Address, addressOf, goTo } from "./address.js";
import { useActor } from "./greenroom.js";

/** The conversations of a desk, and the notes of the one that is open. */
export function Sidebar({ address, notes }: { address: Address; notes: readonly string[] }) {
  const { entries, remove } = useDesk(address);
  return (
    <aside className="sidebar" aria-label="Conversations">
      <p className="brand">
        <span className="mark" aria-hidden="true" /> Green room
      </p>
      <a className="button new" href={addressOf(address.desk)}>
        New conversation
      </a>
      <nav>
        {entries.map(({ id, title }) => (
          <div className="entry" key={id} data-current={id === address.conversation}>
            <a href={addressOf(address.desk, id)} title={title}>
              {title}
            </a>
            <button type="button" aria-label={`Forget “${title}”`} onClick={() => remove(id)}>
              ×
            </button>
          </div>
        ))}
        {entries.length === 0 && <p className="faint none">Nothing said yet.</p>}
      </nav>
      {notes.length > 0 && (
        <section className="notes">
          <h2>Notes</h2>
          <ol>
            {[...new Set(notes)].map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ol>
        </section>
      )}
    </aside>
  );
}

function useDesk({ desk: key, conversation }: Address) {
  const desk = useActor({ name: "desk", key: [key] });
  const { connection, isConnected } = desk;
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  useEffect(() => {
    if (!isConnected) return;
    let isGone = false;
    connection.list().then(
      (list) => {
        if (!isGone) setEntries(list);
      },
      // A connection that is lost is opened again, and then asked again.
      () => {},
    );
    return () => {
      isGone = true;
    };
  }, [connection, isConnected]);
  desk.useEvent("entries", setEntries);
  const remove = (id: string) => {
    if (id === conversation) goTo(addressOf(key));
    // What could not be removed stays in the list, for another attempt.
    connection?.remove(id).catch(() => {});
  };
  return { entries, remove };
}
