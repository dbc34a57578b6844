import type { ConnStatus } from "@greenroom/client";
import type { Entry } from "../shelf.js";
import type { Stored } from "../storage.js";
import { hueOf } from "./people.js";

const status = element("status", HTMLElement);
const trouble = element("trouble", HTMLElement);
const progress = element("progress", HTMLElement);
const people = element("people", HTMLUListElement);
const shelf = element("shelf", HTMLUListElement);
const name = element("name", HTMLInputElement);
const online = element("online", HTMLInputElement);
const words = element("words", HTMLElement);

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
};
const count = new Intl.NumberFormat("en");

/** Everything on the page but the editor. What people write only ever becomes text. */
export const view = {
  editor: element("editor", HTMLElement),

  /** The name to begin with, and what it is changed to. */
  onName(first: string, rename: (name: string) => void): void {
    name.value = first;
    name.addEventListener("change", () => {
      const text = name.value.trim();
      if (text === "") name.value = first;
      else rename(text);
    });
  },

  onOnline(toggle: (isOnline: boolean) => void): void {
    online.addEventListener("change", () => toggle(online.checked));
  },

  isOnline: () => online.checked,

  onNew(create: () => void): void {
    element("new", HTMLButtonElement).addEventListener("click", create);
  },

  status(now: ConnStatus): void {
    status.dataset.status = now;
    status.textContent = STATUS[now];
    if (now === "connected" || now === "idle") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  progress(waiting: number, stored: Stored | undefined): void {
    progress.dataset.waiting = String(waiting);
    progress.textContent = waiting > 0 ? waitingText(waiting) : storedText(stored);
  },

  text(text: string): void {
    const number = text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu)?.length ?? 0;
    words.textContent = `${count.format(number)} ${number === 1 ? "word" : "words"}`;
  },

  /** Everybody in the document, oneself first. */
  people(names: readonly string[]): void {
    people.replaceChildren(
      ...names.map((one) => {
        const item = document.createElement("li");
        item.className = "avatar";
        item.title = one;
        item.textContent = [...one][0]?.toUpperCase() ?? "?";
        item.style.setProperty("--hue", String(hueOf(one)));
        return item;
      }),
    );
  },

  /** The documents that there are, and which of them is open. */
  shelf(entries: readonly Entry[], open: string): void {
    const known = entries.some((entry) => entry.name === open);
    const all = known ? entries : [{ name: open, title: "" }, ...entries];
    shelf.replaceChildren(
      ...all.map((entry) => {
        const link = document.createElement("a");
        link.href = `#${encodeURIComponent(entry.name)}`;
        link.textContent = entry.title || "Untitled";
        link.title = entry.name;
        if (entry.name === open) link.setAttribute("aria-current", "page");
        const item = document.createElement("li");
        item.append(link);
        return item;
      }),
    );
    const title = entries.find((entry) => entry.name === open)?.title;
    document.title = `${title || "Untitled"} · Greenroom`;
  },
};

function waitingText(waiting: number): string {
  const changes = `${count.format(waiting)} ${waiting === 1 ? "change" : "changes"}`;
  return view.isOnline() ? `${changes} on the way` : `${changes} kept on this device`;
}

function storedText(stored: Stored | undefined): string {
  if (!stored) return "";
  const changes = `${count.format(stored.changes)} ${stored.changes === 1 ? "change" : "changes"}`;
  return `On disk: ${count.format(stored.bytes)} bytes, ${changes} since the last snapshot`;
}

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}
