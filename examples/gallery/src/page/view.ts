import type { Showing } from "../stage/stage.js";

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "The gallery has ended",
} as const;

/** How a state looks, in the words that `.status` of the look knows. */
const LOOKS = { starting: "connecting", up: "connected", failed: "failed", ended: "idle" } as const;
const WORDS = { starting: "Starting…", up: "Up", failed: "Down", ended: "Ended" } as const;

/** The element that a selector finds. */
function find<T extends Element>(within: ParentNode, selector: string, kind: new () => T): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> ${selector}`);
  return found;
}

const status = find(document, "#status", HTMLElement);
const trouble = find(document, "#trouble", HTMLElement);
const list = find(document, "#cards", HTMLOListElement);
const empty = find(document, "#empty", HTMLElement);
const hint = find(document, "#hint", HTMLElement);
const template = find(document, "#card", HTMLTemplateElement);

const cards = new Map<string, HTMLElement>();
let mayKill = false;
let kill: (name: string) => void = () => {};

/** Everything that touches the page. */
export const view = {
  onKill(ask: (name: string) => void): void {
    kill = ask;
  },

  mayKill(now: boolean): void {
    mayKill = now;
    hint.hidden = now;
  },

  status(now: keyof typeof STATUS): void {
    status.textContent = STATUS[now];
    status.dataset.status = now;
    list.classList.toggle("stale", now === "disconnected");
    if (now === "connected") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  showings(showings: readonly Showing[]): void {
    empty.hidden = showings.length > 0;
    empty.textContent = "There are no examples here.";
    for (const showing of showings) update(cards.get(showing.name) ?? add(showing), showing);
  },
};

/** A card with what never changes. */
function add({ name, title, sentence, tries, source, icon }: Showing): HTMLElement {
  const card = find(template.content, ".card", HTMLLIElement).cloneNode(true);
  if (!(card instanceof HTMLLIElement)) throw new Error("a copy of a list item is one");
  card.id = `card-${name}`;
  find(card, "h2", HTMLElement).textContent = title;
  find(card, "path", SVGPathElement).setAttribute("d", icon);
  find(card, ".sentence", HTMLElement).textContent = sentence;
  find(card, ".source", HTMLElement).textContent = source;
  find(card, ".tries", HTMLElement).replaceChildren(
    ...tries.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
  find(card, "button", HTMLButtonElement).addEventListener("click", () => kill(name));
  list.append(card);
  cards.set(name, card);
  return card;
}

/** What changes: the state, and what can be done in it. */
function update(card: HTMLElement, { title, state, restarts }: Showing): void {
  card.dataset.state = state.is;
  const pill = find(card, ".state", HTMLElement);
  pill.dataset.status = LOOKS[state.is];
  pill.textContent = restarts > 0 && state.is === "up" ? `Up again (${restarts})` : WORDS[state.is];
  const link = find(card, "a.button", HTMLAnchorElement);
  const button = find(card, "button", HTMLButtonElement);
  button.disabled = !mayKill || state.is !== "up";
  button.title = `End ${title} without a goodbye`;
  find(card, ".problem", HTMLElement).textContent = state.is === "failed" ? state.problem : "";
  find(card, ".where", HTMLElement).textContent = state.is === "up" ? `:${state.port}, pid ${state.pid}` : "";
  if (state.is === "up") {
    // The page may have come from another machine: its own name for this one leads to the examples, too.
    link.href = `${location.protocol}//${location.hostname}:${state.port}/`;
    link.removeAttribute("aria-disabled");
  } else {
    link.removeAttribute("href");
    link.ariaDisabled = "true";
  }
}
