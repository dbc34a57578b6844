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
  const outbox = new Outbox(
    `${room}/${name}`,
    (id, text) => chat.sendMessage(name, text, id),
    view.delivered,
  );

  const show = (message: Message) => view.message(message, message.userId === name);
  chat.on("newMessage", show);
  chat.on("people", (people) => view.people(people));
  chat.onStatusChange((status) => {
    view.status(status);
    if (status !== "connected") outbox.close();
  });
  chat.onError((error) => view.trouble(error.message));
  // Every opening, the first and each after a loss, starts from what the room knows.
  chat.onOpen(() => {
    chat.getMessages().then(
      (messages) => {
        messages.forEach(show);
        outbox.open();
      },
      (error: Error) => view.trouble(error.message),
    );
  });

  for (const { id, text } of outbox.waiting()) view.pending(id, name, text);
  view.onSend((text) => {
    const id = crypto.randomUUID();
    view.pending(id, name, text);
    outbox.add(id, text);
  });
}
