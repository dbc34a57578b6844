import { useState } from "react";

/** The form for a new user. It keeps the name if it could not be added. */
export function AddUser({ canAdd, add }: { canAdd: boolean; add: (name: string) => Promise<boolean> }) {
  const [name, setName] = useState("");
  const [isBusy, setBusy] = useState(false);
  return (
    <form
      className="panel row"
      autoComplete="off"
      onSubmit={async (submit) => {
        submit.preventDefault();
        setBusy(true);
        if (await add(name)) setName("");
        setBusy(false);
      }}
    >
      <input
        id="name"
        aria-label="Name"
        placeholder="Alice"
        maxLength={60}
        value={name}
        onChange={(change) => setName(change.target.value)}
      />
      <button type="submit" className="primary" disabled={!canAdd || isBusy}>
        Add user
      </button>
    </form>
  );
}
