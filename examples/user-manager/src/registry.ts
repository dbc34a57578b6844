import { fileURLToPath } from "node:url";
import { actor, event, setup, UserError } from "greenroom";

/** What is known of a user. */
export interface User {
  name: string;
  email: string;
  /** Milliseconds since the Unix epoch. */
  createdAt: number;
}

const MAX_NAME = 60;
const MAX_USERS = 500;

/** One actor per company: its key is the company's name. */
export const userManager = actor({
  state: { users: {} as Record<string, User> },

  events: {
    userCreated: event<{ userId: string; user: User }>(),
    userRemoved: event<{ userId: string }>(),
  },

  actions: {
    createUser: (c, name: string) => {
      const user = { name: cleanName(name), email: emailOf(cleanName(name)), createdAt: Date.now() };
      if (Object.keys(c.state.users).length >= MAX_USERS)
        throw new UserError(`a company can have ${MAX_USERS} users here`, { code: "too_many" });
      const userId: string = crypto.randomUUID();
      c.state.users[userId] = user;
      c.broadcast("userCreated", { userId, user });
      return { userId, name: user.name };
    },

    getUser: (c, userId: string): User | undefined => own(c.state.users, userId),

    getUsers: (c) => c.state.users,

    /** Whether there was such a user. */
    removeUser: (c, userId: string) => {
      if (own(c.state.users, userId) === undefined) return false;
      delete c.state.users[userId];
      c.broadcast("userRemoved", { userId });
      return true;
    },
  },
});

/** A user of the record, and nothing that the record has from elsewhere, such as `constructor`. */
function own(users: Record<string, User>, userId: string): User | undefined {
  return Object.hasOwn(users, userId) ? users[userId] : undefined;
}

function cleanName(given: unknown): string {
  const name = typeof given === "string" ? given.trim() : "";
  if (name === "") throw new UserError("a user needs a name", { code: "name_missing" });
  if (name.length > MAX_NAME)
    throw new UserError(`a name can have ${MAX_NAME} characters`, { code: "name_too_long" });
  return name;
}

/** An address of the kind that companies give out. */
function emailOf(name: string): string {
  const words = name
    .normalize("NFKD")
    .toLowerCase()
    .match(/[a-z0-9]+/g) ?? ["user"];
  return `${words.join(".")}@example.com`;
}

export const registry = setup({
  use: { userManager },
  staticDir: fileURLToPath(new URL("../public", import.meta.url)),
});
