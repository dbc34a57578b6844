/** What the suites about the client talk to. */

import { actor, event, setup, UserError } from "greenroom";

export const note = actor({
  createState: (_c, input: { text: string } | undefined) => ({ text: input?.text ?? "", wakes: 0 }),
  events: { changed: event<string>() },
  onWake: (c) => {
    c.state.wakes += 1;
  },
  actions: {
    write: (c, text: string) => {
      c.state.text = text;
      c.broadcast("changed", text);
    },
    read: (c) => c.state.text,
    wakes: (c) => c.state.wakes,
    describe: (c) => ({ id: c.actorId, name: c.name, key: [...c.key], region: c.region }),
    end: (c) => c.destroy(),
  },
});

/** Its name is that of a method of the client. */
export const list = actor({
  state: { items: [] as string[] },
  actions: { add: (c, item: string) => c.state.items.push(item) },
});

/** Says who may connect, and takes its time about it. */
export const door = actor({
  state: { left: [] as string[] },
  events: { welcome: event<string>() },
  onBeforeConnect: (_c, params: { name: string; wait?: number }) => {
    if (params.name === "") throw new UserError("nobody comes in", { code: "nameless" });
    if (params.name === "broken") throw new Error("a secret detail");
  },
  createConnState: async (_c, params: { name: string; wait?: number }) => {
    await new Promise((resolve) => setTimeout(resolve, params.wait ?? 0));
    return { name: params.name };
  },
  onConnect: (_c, conn) => conn.send("welcome", conn.state.name),
  onDisconnect: (c, conn) => {
    c.state.left.push(conn.state.name);
  },
  actions: {
    inside: (c) => [...c.conns.values()].map((conn) => conn.state.name).filter((name) => name !== "observer"),
    left: (c) => c.state.left,
    rename: (c, name: string) => {
      c.conn.state.name = name;
    },
    throwOut: (c, name: string) => {
      for (const conn of c.conns.values()) if (conn.state.name === name) void conn.disconnect("out");
    },
  },
});

export const registry = setup({ use: { note, list, door } });
