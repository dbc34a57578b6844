import { createClient } from "@greenroom/client";
import type { Message, registry } from "../registry.js";
import { Outbox } from "./outbox.js";
import { view } from "./view.js";

const room = decodeURIComponent(location.hash.slice(1)) || "lobby";
view.room(room);
addEventListener("hashchange", () => location.reload());

view.onEnter(localStorage.getItem("name") ?? "", (name) => {
  localStorage.setItem("name", name);
  enter(name);
});

function enter(name: string): void {
  const client = createClient<typeof registry>(location.origin);
  const chat = client.chatRoom.getOrCreate([room], { params: { name } }).connect();
  const outbox = new Outbox(`${room}/${name}`, (id, text) => chat.say(id, text), view.delivered);

  chat.on("message", (message: Message) => view.message(message, message.from === name));
  chat.on("people", (people: string[]) => view.people(people));
  chat.onStatusChange((status) => {
    view.status(status);
    if (status !== "connected") outbox.close();
  });
  chat.onError((error) => view.trouble(error.message));
  // Every opening, the first and each after a loss, starts from what the room knows.
  chat.onOpen(() => {
    void chat.join().then(
      ({ messages, people }) => {
        for (const message of messages) view.message(message, message.from === name);
        view.people(people);
        outbox.open();
      },
      () => view.status("disconnected"),
    );
  });

  for (const { id, text } of outbox.waiting()) view.pending(id, name, text);
  view.onSend((text) => {
    const id = crypto.randomUUID();
    view.pending(id, name, text);
    outbox.add(id, text);
  });
}
