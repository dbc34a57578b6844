/** Actors that take raw WebSockets, for the suites about those and about hibernation. */

import { actor, event, UserError } from "greenroom";

/** Can be read without calling the actor. */
const say = (line: string) => process.stderr.write(`${line}\n`);

/** Does what it is told by text, echoes what is binary, and writes down what happens. */
export const talker = actor({
  state: { log: [] as string[], count: 0 },
  createVars: () => ({ open: new Set<WebSocket>(), release: (): void => {} }),
  onWake: (c) => {
    c.state.log.push("wake");
  },
  onSleep: (c) => {
    c.state.log.push("sleep");
  },
  onConnect: (c, conn) => {
    c.state.log.push(`connect ${conn.isHibernatable}`);
  },
  onDisconnect: (c) => {
    c.state.log.push(`disconnect ${c.conns.size}`);
  },
  onWebSocket: (c, socket) => {
    c.vars.open.add(socket);
    c.state.log.push("handler");
    c.abortSignal.addEventListener("abort", () => c.state.log.push("aborted"));
    socket.addEventListener("open", () => {
      socket.send(`open ${socket.readyState} ${new URL(socket.url).pathname}`);
    });
    socket.addEventListener("message", (message: MessageEvent<string | ArrayBuffer>) => {
      const { data } = message;
      if (data instanceof ArrayBuffer) {
        socket.send(data);
        return;
      }
      const [verb, ...rest] = data.split(" ");
      const text = rest.join(" ");
      switch (verb) {
        case "count":
          socket.send(String(++c.state.count));
          break;
        case "url":
          socket.send(
            JSON.stringify([
              c.request.url,
              c.request.headers.get("sec-websocket-protocol"),
              c.conn.params ?? null,
            ]),
          );
          break;
        case "view":
          socket.send(new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4));
          break;
        case "blob":
          socket.send(new Blob(["from ", "a blob"]));
          socket.send("after the blob");
          break;
        case "close":
          socket.send("last words");
          socket.close(...(JSON.parse(text) as [number?, string?]));
          socket.send("too late");
          break;
        case "kick":
          void c.conn.disconnect(text);
          break;
        case "event":
          c.conn.send("nobody hears this");
          socket.send("said");
          break;
        case "throw":
          throw new Error("a listener fails");
        case "big":
          socket.send("x".repeat(Number(text)));
          break;
        case "sleep":
          c.sleep();
          break;
        case "destroy":
          c.destroy();
          break;
        default:
          socket.send(data);
      }
    });
    socket.addEventListener("message", async ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (data !== "take a while") return;
      // For longer than until the actor is asked to sleep.
      while (!c.state.log.includes("sleep")) await new Promise((resolve) => setTimeout(resolve, 10));
      await new Promise((resolve) => setTimeout(resolve, 100));
      c.state.log.push("took a while");
    });
    socket.addEventListener("message", async (message: MessageEvent<string | ArrayBuffer>) => {
      if (message.data !== "slowly") return;
      c.state.log.push("begins");
      await new Promise<void>((resolve) => {
        c.vars.release = resolve;
      });
      c.state.log.push("ends");
    });
    socket.onclose = async ({ code, reason, wasClean }) => {
      c.vars.open.delete(socket);
      c.state.log.push(`close ${code} ${reason} ${wasClean} ${socket.readyState}`);
      if (reason !== "slowly") return;
      await new Promise((resolve) => setTimeout(resolve, 400));
      c.state.log.push("closed slowly");
    };
  },
  options: { sleepTimeout: 150, sleepGracePeriod: 4_000 },
  actions: {
    log: (c) => c.state.log,
    count: (c) => c.state.count,
    conns: (c) => c.conns.size,
    release: (c) => c.vars.release(),
    shout: (c, text: string) => {
      for (const socket of c.vars.open) socket.send(text);
      return c.vars.open.size;
    },
    sleep: (c) => c.sleep(),
    flood: (c, bytes: number) => {
      for (const socket of c.vars.open) {
        for (let sent = 0; sent < bytes; sent += 100_000) socket.send(new Uint8Array(100_000));
      }
    },
  },
});

/** Passes messages on to everybody. */
export const relay = actor({
  createVars: () => ({ sockets: new Set<{ send(text: string): void }>() }),
  options: { canHibernateWebSocket: false },
  onWebSocket: (c, socket) => {
    c.vars.sockets.add(socket);
    socket.addEventListener("message", ({ data }) => {
      for (const each of c.vars.sockets) each.send(String(data));
    });
    socket.addEventListener("close", () => {
      c.vars.sockets.delete(socket);
    });
  },
  actions: {},
});

/** Refuses who does not say the word, and takes its time for the others. */
export const guest = actor({
  state: { log: [] as string[] },
  onBeforeConnect: (c, params: { word?: string; fail?: string } | undefined) => {
    if (params?.word !== "please") throw new UserError("say the word", { code: "no_word" });
    c.state.log.push(`asked ${new URL(c.request?.url ?? "").pathname}`);
  },
  createConnState: (_c, params) => ({ said: params?.word ?? "", fail: params?.fail }),
  onConnect: async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    c.state.log.push("connect");
    if (c.conn.state.fail === "connect") throw new UserError("not today", { code: "not_today" });
  },
  onDisconnect: (c) => {
    c.state.log.push("disconnect");
  },
  onWebSocket: async (c, socket) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (c.conn.state.fail === "handler") throw new UserError("no sockets", { code: "no_sockets" });
    if (c.conn.state.fail === "bug") throw new Error("secret");
    c.state.log.push(`handler ${c.conn.state.said}`);
    socket.onopen = () => c.state.log.push("open");
    socket.onmessage = ({ data }) => {
      c.state.log.push(`message ${String(data)}`);
      socket.send(`heard ${String(data)}`);
    };
  },
  actions: { log: (c) => c.state.log },
});

/** Sleeps while its sockets stay open, unless they ask for the contrary. */
export const dozer = actor({
  state: { log: [] as string[], heard: [] as string[] },
  createVars: () => ({ handled: 0, release: (): void => {} }),
  createConnState: () => ({ messages: 0 }),
  onWake: (c) => {
    c.state.log.push(`wake ${c.conns.size}`);
  },
  onSleep: (c) => {
    c.state.log.push("sleep");
  },
  onDisconnect: (c, conn) => {
    c.state.log.push(`disconnect after ${conn.state.messages}`);
  },
  onWebSocket: (c, socket) => {
    c.state.log.push(`handler ${new URL(c.request.url).pathname} ${c.conn.isHibernatable}`);
    socket.onopen = () => {
      c.state.log.push("open");
    };
    socket.onmessage = async ({ data }) => {
      c.state.heard.push(String(data));
      if (data === "hang") {
        await new Promise<void>((resolve) => {
          c.vars.release = resolve;
        });
      }
      c.conn.state.messages++;
      socket.send(`${c.conn.state.messages} ${String(data)}`);
    };
    socket.onclose = ({ code, reason }) => {
      c.state.log.push(`close ${code} ${reason}`);
      say(`dozer ${c.key.join()}: close ${code} ${reason}`);
    };
  },
  options: {
    sleepTimeout: 150,
    sleepGracePeriod: 300,
    canHibernateWebSocket: (request) => !new URL(request.url).pathname.endsWith("/awake"),
  },
  actions: {
    log: (c) => c.state.log,
    heard: (c) => c.state.heard,
    sleep: (c) => c.sleep(),
    release: (c) => c.vars.release(),
    end: (c) => c.destroy(),
  },
});

/** Its connections have state, and events. */
export const greeter = actor({
  state: { log: [] as string[] },
  events: { note: event<string>() },
  createConnState: (_c, params: { name?: string } | undefined) => ({ name: params?.name ?? "", calls: 0 }),
  onWake: (c) => {
    c.state.log.push(
      `wake ${[...c.conns.values()].map(({ state }) => `${state.name} ${state.calls}`).join()}`,
    );
  },
  onConnect: (c, conn) => {
    c.state.log.push(`connect ${conn.state.name}`);
  },
  onDisconnect: (c, conn) => {
    c.state.log.push(`disconnect ${conn.state.name}`);
    say(`greeter ${c.key.join()}: disconnect ${conn.state.name}`);
  },
  options: { sleepTimeout: 100 },
  actions: {
    call: (c) => ++c.conn.state.calls,
    note: (c, text: string) => c.broadcast("note", text),
    sleep: (c) => c.sleep(),
    log: (c) => c.state.log,
  },
});
