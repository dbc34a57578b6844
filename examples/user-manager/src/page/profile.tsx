import { useEffect, useState } from "react";
import type { User } from "../registry.js";
import { useActor } from "./greenroom.js";

interface ProfileProps {
  company: string;
  /** Nobody, if there is none. */
  userId: string | undefined;
  /** Told what could not be done. */
  say: (problem: string) => void;
}

/** One user as the actor tells of them when asked, beside the call that asked. */
export function Profile({ company, userId, say }: ProfileProps) {
  // The same actor as that of the list: both share one connection.
  const { connection, isConnected } = useActor({ name: "userManager", key: [company] });
  const [found, setFound] = useState<{ userId: string; user: User | undefined }>();

  useEffect(() => {
    if (!connection || !isConnected || userId === undefined) return;
    let isWanted = true;
    // A `User | undefined`: the compiler knows that there may be none.
    connection.getUser(userId).then(
      (user) => isWanted && setFound({ userId, user }),
      (error: Error) => isWanted && say(error.message),
    );
    return () => {
      isWanted = false;
    };
  }, [connection, isConnected, userId, say]);

  const user = found && found.userId === userId ? found.user : undefined;
  if (userId === undefined)
    return (
      <aside className="panel">
        <p className="empty">Choose somebody.</p>
      </aside>
    );
  return (
    <aside className="panel profile" aria-live="polite">
      <h2>{user?.name ?? "…"}</h2>
      <p className="faint">{user && `Since ${new Date(user.createdAt).toLocaleString()}`}</p>
      <pre className="mono">
        <span className="faint">{`await manager.getUser("${userId.slice(0, 8)}…")\n// User | undefined\n`}</span>
        {user ? JSON.stringify(user, undefined, 2) : "…"}
      </pre>
      <button
        type="button"
        className="danger small"
        disabled={!isConnected}
        onClick={() => connection?.removeUser(userId).catch((error: Error) => say(error.message))}
      >
        Remove
      </button>
    </aside>
  );
}
