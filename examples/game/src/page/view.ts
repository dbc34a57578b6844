import type { ConnStatus } from "@greenroom/client";
import type { Player, Scores } from "../game.js";
import { hueOf } from "./stage.js";

const status = element("status", HTMLElement);
const trouble = element("trouble", HTMLElement);
const players = element("players", HTMLOListElement);
const best = element("best", HTMLOListElement);
const welcome = element("welcome", HTMLFormElement);
const name = element("name", HTMLInputElement);
const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
};

/** Everything on the page but the stage. Names only ever become text. */
export const view = {
  canvas: element("stage", HTMLCanvasElement),
  stick: element("stick", HTMLElement),
  dash: element("dash", HTMLButtonElement),

  arena(arena: string): void {
    element("arena", HTMLElement).textContent = arena;
  },

  onPlay(first: string, play: (name: string) => void): void {
    name.value = first;
    name.addEventListener("input", () => name.setCustomValidity(""));
    welcome.addEventListener("submit", (submit) => {
      submit.preventDefault();
      const text = name.value.trim();
      name.setCustomValidity(text === "" ? "Say who you are, so that others know." : "");
      if (!name.reportValidity()) return;
      name.blur();
      welcome.hidden = true;
      play(text);
    });
  },

  status(now: ConnStatus): void {
    status.dataset.status = now;
    status.textContent = STATUS[now];
    if (now === "connected") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  scores({ players: there, best: records }: Scores, own: number | undefined): void {
    players.replaceChildren(...there.map((player) => playerRow(player, player.slot === own)));
    best.replaceChildren(
      ...records.map((record) => {
        const item = document.createElement("li");
        item.append(span("who", record.name), span("number", String(record.best)));
        return item;
      }),
    );
  },
};

function playerRow({ slot, name: who, points, isUnderstudy }: Player, isOwn: boolean): HTMLLIElement {
  const item = document.createElement("li");
  item.classList.toggle("own", isOwn);
  item.classList.toggle("understudy", isUnderstudy);
  const dot = span("dot", "");
  dot.style.setProperty("--hue", String(hueOf(slot)));
  item.append(dot, span("who", who), span("number", String(points)));
  return item;
}

function span(className: string, text: string): HTMLSpanElement {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  return made;
}

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}
