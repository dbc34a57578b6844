// React hooks: names, keys, parameters, input, events, and what is there when.

import { createRivetKit as createGreenroom } from "@rivetkit/react";
import { actor, event, setup } from "rivetkit";
import { same } from "./equal.js";

interface Line {
  from: string;
  text: string;
}

const room = actor({
  createState: (_c, input: { title: string }) => ({ title: input.title }),
  onBeforeConnect: (_c, _params: { me: string }) => {},
  events: { line: event<Line>(), moved: event<[x: number, y: number]>() },
  actions: {
    say: (_c, text: string) => text.length,
    admin: { close: () => true },
  },
});
const free = actor({ actions: { any: () => 1 } });
const registry = setup({ use: { room, free } });
const { useActor, useSuspenseActor, client } = createGreenroom<typeof registry>({
  endpoint: "http://localhost:6420",
});

export function Room({ me, id }: { me: string | undefined; id: string | undefined }) {
  const lobby = useActor({
    name: "room",
    key: ["a", "b"],
    params: me === undefined ? undefined : { me },
    createWithInput: { title: "t" },
    createInRegion: "eu",
    enabled: me !== undefined,
    noCreate: false,
  });
  useActor({ name: "room", key: id ?? "none", params: { me: "ann" } });

  lobby.useEvent("line", (line) => same<typeof line, Line>());
  lobby.useEvent("moved", (x, y) => same<[typeof x, typeof y], [number, number]>());
  // @ts-expect-error not declared
  lobby.useEvent("lines", () => {});
  // @ts-expect-error not the payload
  lobby.useEvent("line", (_line: number) => {});

  same<typeof lobby.connStatus, "idle" | "connecting" | "connected" | "disconnected">();
  same<typeof lobby.hash, string>();
  if (lobby.error) {
    same<typeof lobby.error.group, string>();
    same<typeof lobby.error.code, string>();
    same<typeof lobby.error.retryable, boolean>();
    // @ts-expect-error misspelt
    lobby.error.kode;
  }
  // @ts-expect-error it may be missing
  lobby.connection.say("x");
  // @ts-expect-error it may be missing
  lobby.handle.say("x");
  const maybe = lobby.connection?.say("x");
  same<typeof maybe, Promise<number> | undefined>();
  if (lobby.isConnected) {
    const said = lobby.connection.say("x");
    same<typeof said, Promise<number>>();
    void lobby.handle.admin.close();
    same<typeof lobby.connStatus, "connected">();
    // @ts-expect-error no such action
    lobby.connection.sya("x");
    // @ts-expect-error not its argument
    lobby.connection.say(1);
  }
  if (lobby.connStatus === "connected") void lobby.connection.say("x");
  same<typeof lobby.opts.name, "room">();
  return null;
}

export function Misspelt() {
  // @ts-expect-error no such actor
  useActor({ name: "rom", key: [] });
  // @ts-expect-error no key
  useActor({ name: "room" });
  // @ts-expect-error a key has strings
  useActor({ name: "room", key: [1] });
  // @ts-expect-error no such option
  useActor({ name: "room", key: [], parms: { me: "ann" } });
  // @ts-expect-error not its parameters
  useActor({ name: "room", key: [], params: { you: "ann" } });
  // @ts-expect-error not its parameters
  useActor({ name: "room", key: [], params: "ann" });
  // @ts-expect-error not its input
  useActor({ name: "room", key: [], createWithInput: { name: "t" } });
  // @ts-expect-error not a boolean
  useActor({ name: "room", key: [], enabled: "yes" });
  // @ts-expect-error what waits is wanted
  useSuspenseActor({ name: "room", key: [], enabled: false });
  return null;
}

export function Waiting() {
  const lobby = useSuspenseActor({ name: "room", key: [], params: { me: "ann" } });
  const said = lobby.connection.say("x");
  same<typeof said, Promise<number>>();
  void lobby.handle.admin.close();
  lobby.useEvent("line", (line) => same<typeof line, Line>());
  // @ts-expect-error not declared
  lobby.useEvent("lines", () => {});
  same<typeof lobby.isConnected, boolean>();
  return null;
}

export function Free() {
  const lobby = useActor({ name: "free", key: [], params: { whatever: 1 }, createWithInput: 7 });
  // Nothing is declared: any name goes, and the handler says what it expects.
  lobby.useEvent("anything", (_n: number, _text: string) => {});
  return null;
}

export function Untyped() {
  // Nothing is known of the registry: any name goes, and values are unknown.
  const any = createGreenroom().useActor({ name: "anything", key: "a", params: { whatever: 1 } });
  any.useEvent("anything", (_text: string) => {});
  const called = any.handle?.action({ name: "anything", args: [1] });
  same<typeof called, Promise<unknown> | undefined>();
  // @ts-expect-error misspelt
  createGreenroom().useActor({ name: "anything", kee: "a" });
  return null;
}

void client.room.getOrCreate("a").say("x");
// @ts-expect-error no such actor
client.rom;
// @ts-expect-error no such option
createGreenroom<typeof registry>({ endpiont: "http://localhost:6420" });
// @ts-expect-error no such option
createGreenroom<typeof registry>("http://localhost:6420", { hash: () => "" });
createGreenroom<typeof registry>(undefined, { hashFunction: ({ name, key }) => `${name} ${key}` });
