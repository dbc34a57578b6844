import type { Message } from "../registry.js";

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}

const log = element("log", HTMLOListElement);
const empty = element("empty", HTMLElement);
const people = element("people", HTMLUListElement);
const status = element("status", HTMLElement);
const trouble = element("trouble", HTMLElement);
const welcome = element("welcome", HTMLFormElement);
const nameInput = element("name", HTMLInputElement);
const composer = element("composer", HTMLFormElement);
const textInput = element("text", HTMLInputElement);

const rows = new Map<string, HTMLLIElement>();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
} as const;

/** Everything that touches the page. Text from people only ever becomes text. */
export const view = {
  room(name: string): void {
    element("room", HTMLElement).textContent = name;
    document.title = `#${name} · Greenroom chat`;
  },

  onEnter(suggested: string, enter: (name: string) => void): void {
    nameInput.value = suggested;
    nameInput.focus();
    nameInput.addEventListener("input", () => nameInput.setCustomValidity(""));
    welcome.addEventListener("submit", (submit) => {
      submit.preventDefault();
      const name = nameInput.value.trim();
      nameInput.setCustomValidity(name === "" ? "Say who you are, so that others know." : "");
      if (!nameInput.reportValidity()) return;
      document.body.classList.add("entered");
      textInput.focus();
      enter(name);
    });
  },

  onSend(send: (text: string) => void): void {
    composer.addEventListener("submit", (submit) => {
      submit.preventDefault();
      const text = textInput.value.trim();
      if (text === "") return;
      textInput.value = "";
      send(text);
    });
  },

  status(now: keyof typeof STATUS): void {
    status.textContent = STATUS[now];
    status.dataset.status = now;
    if (now === "connected") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  people(names: readonly string[]): void {
    people.replaceChildren(
      ...names.map((name) => {
        const item = document.createElement("li");
        item.append(avatar(name), name);
        return item;
      }),
    );
  },

  /** A message that the room has not confirmed yet. */
  pending(id: string, userId: string, text: string): void {
    const row = rowOf({ id, userId, text, at: Date.now() }, true);
    row.classList.add("pending");
    log.append(row);
    settle(row);
  },

  /**
   * A confirmed message, or the confirmation of a pending one. These come in the order of the room, and that is
   * where they stand, in every window: after what was confirmed before, ahead of what still waits.
   */
  message(message: Message, own: boolean): void {
    const row = rowOf(message, own);
    row.classList.remove("pending");
    log.insertBefore(row, log.querySelector("li.pending"));
    settle(row);
  },

  /** The room took a pending message, or refused it because of `problem`. */
  delivered(id: string, problem?: string): void {
    const row = rows.get(id);
    row?.classList.remove("pending");
    if (problem !== undefined && row) {
      row.classList.add("refused");
      row.title = problem;
    }
  },
};

/** The row of a message, made when it is first heard of. */
function rowOf(message: Message, own: boolean): HTMLLIElement {
  const known = rows.get(message.id);
  if (known) return known;
  const row = document.createElement("li");
  row.dataset.from = message.userId;
  if (own) row.classList.add("own");
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  bubble.textContent = message.text;
  const by = document.createElement("span");
  by.className = "by";
  const time = document.createElement("time");
  time.dateTime = new Date(message.at).toISOString();
  time.textContent = clock.format(message.at);
  by.append(own ? "You" : message.userId, time);
  row.append(avatar(message.userId), by, bubble);
  rows.set(message.id, row);
  return row;
}

/** A row has come or moved: shows each person's name once per run of messages, and the row itself. */
function settle(row: HTMLLIElement): void {
  empty.hidden = true;
  let previous: string | undefined;
  for (const other of log.querySelectorAll<HTMLLIElement>("li")) {
    other.classList.toggle("same", other.dataset.from === previous);
    previous = other.dataset.from;
  }
  row.scrollIntoView({ block: "end" });
}

/** A coloured disc with the first letter: the same for the same name. */
function avatar(name: string): HTMLElement {
  const disc = document.createElement("span");
  disc.className = "avatar";
  disc.textContent = [...name][0]?.toUpperCase() ?? "?";
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  // Names that are much alike get hues that are not.
  disc.style.setProperty("--hue", String((hash * 137) % 360));
  return disc;
}
