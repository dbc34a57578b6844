import { type ReactNode, useEffect, useState } from "react";
import type { User } from "../registry.js";
import { AddUser } from "./add-user.js";
import { useActor } from "./greenroom.js";
import { Profile } from "./profile.js";

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
} as const;

/** The users of one company: what its actor knows, and every change of it. `children` stand below the heading. */
export function Company({ name, children }: { name: string; children: ReactNode }) {
  const manager = useActor({ name: "userManager", key: [name] });
  const { connection, isConnected } = manager;
  const [users, setUsers] = useState<Record<string, User>>();
  const [chosen, setChosen] = useState<string>();
  const [problem, setProblem] = useState("");

  // Every opening, the first and each after a loss, starts from what the actor knows.
  useEffect(() => {
    if (!connection || !isConnected) return;
    connection.getUsers().then(setUsers, (error: Error) => setProblem(error.message));
  }, [connection, isConnected]);

  manager.useEvent("userCreated", ({ userId, user }) => setUsers((known) => ({ ...known, [userId]: user })));
  manager.useEvent("userRemoved", ({ userId }) =>
    setUsers((known) => Object.fromEntries(Object.entries(known ?? {}).filter(([id]) => id !== userId))),
  );

  async function create(userName: string): Promise<boolean> {
    try {
      const user = await connection?.createUser(userName); // { userId: string; name: string }
      if (user) setChosen(user.userId);
      setProblem("");
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  const found = Object.entries(users ?? {}).sort(([, a], [, b]) => a.name.localeCompare(b.name));
  return (
    <>
      <header className="top">
        <h1>Users</h1>
        <span className="chip number">{users ? found.length : "…"}</span>
        <span className="status" data-status={manager.connStatus} role="status">
          {STATUS[manager.connStatus]}
        </span>
      </header>
      <p className="lead">
        React hooks over one actor per company. What the page may call, and what comes back, is checked by the
        compiler.
      </p>
      {children}
      <AddUser canAdd={isConnected} add={create} />
      <p className="trouble" role="alert">
        {problem || manager.error?.message}
      </p>
      <div className="split">
        <section className="panel">
          {users && found.length === 0 && <p className="empty">Nobody here yet. Add somebody.</p>}
          <ul className="list" id="users">
            {found.map(([userId, user]) => (
              <li key={userId}>
                <button
                  type="button"
                  className="quiet user"
                  aria-pressed={userId === chosen}
                  onClick={() => setChosen(userId)}
                >
                  <Avatar name={user.name} />
                  <span className="who">
                    {user.name}
                    <small className="faint">{user.email}</small>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
        <Profile
          company={name}
          say={setProblem}
          userId={chosen !== undefined && users?.[chosen] ? chosen : undefined}
        />
      </div>
    </>
  );
}

/** A coloured disc with the first letter: the same for the same name. */
function Avatar({ name }: { name: string }) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  const ref = (disc: HTMLElement | null) => disc?.style.setProperty("--hue", String((hash * 137) % 360));
  return (
    <span className="avatar" ref={ref}>
      {[...name][0]?.toUpperCase()}
    </span>
  );
}
