import type { Planned, Sent } from "../registry.js";

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
} as const;

/** A reminder that went out so much later than planned is called late. */
const LATE_MS = 1_500;
const KEPT = 20;

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}

const status = element("status", HTMLElement);
const form = element("plan", HTMLFormElement);
const textInput = element("text", HTMLInputElement);
const seconds = element("seconds", HTMLInputElement);
const trouble = element("trouble", HTMLElement);
const planned = element("planned", HTMLOListElement);
const sent = element("sent", HTMLOListElement);
const chips = [...document.querySelectorAll<HTMLButtonElement>("#quick button")];

/** What is to come, by id; shown in the order of time. */
const open = new Map<string, { row: HTMLLIElement; left: HTMLElement; plan: Planned }>();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
let cancel: (id: string) => void = () => {};

/** Everything that touches the page. Text from people only ever becomes text. */
export const view = {
  onPlan(plan: (text: string, seconds: number) => void): void {
    form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      plan(textInput.value, seconds.valueAsNumber);
    });
  },

  onCancel(ask: (id: string) => void): void {
    cancel = ask;
  },

  status(now: keyof typeof STATUS): void {
    status.textContent = STATUS[now];
    status.dataset.status = now;
    if (now === "connected") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  /** The actor has what was asked for. */
  taken(): void {
    trouble.textContent = "";
    textInput.value = "";
    textInput.focus();
  },

  /** All that the actor knows, in place of what the page showed. */
  all(now: { readonly planned: readonly Planned[]; readonly sent: readonly Sent[] }): void {
    for (const id of open.keys()) remove(id);
    for (const plan of now.planned) view.planned(plan);
    sent.replaceChildren();
    for (const one of now.sent) view.sent(one);
    showEmpty();
  },

  planned(plan: Planned): void {
    remove(plan.id);
    const row = document.createElement("li");
    const ring = document.createElement("span");
    ring.className = "ring";
    const what = document.createElement("span");
    what.className = "text";
    what.textContent = plan.text;
    const left = document.createElement("span");
    left.className = "faint number";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet danger small";
    button.textContent = "Cancel";
    button.addEventListener("click", () => cancel(plan.id));
    row.append(ring, what, left, button);
    const later = [...open.values()].find((other) => other.plan.dueAt > plan.dueAt);
    planned.insertBefore(row, later?.row ?? null);
    open.set(plan.id, { row, left, plan });
    // Kept in the order of the rows, which `find` above relies on.
    const inOrder = [...open].sort(([, a], [, b]) => a.plan.dueAt - b.plan.dueAt);
    open.clear();
    for (const [id, one] of inOrder) open.set(id, one);
    count();
    showEmpty();
  },

  /** It is not planned any more. */
  gone(id: string): void {
    remove(id);
    showEmpty();
  },

  sent({ id, text, dueAt, sentAt }: Sent): void {
    remove(id);
    const row = document.createElement("li");
    const what = document.createElement("span");
    what.className = "text";
    what.textContent = text;
    const when = document.createElement("span");
    when.className = "faint number";
    if (Date.now() - sentAt < 2_000) row.className = "fresh";
    const late = sentAt - dueAt;
    when.textContent =
      late > LATE_MS
        ? `${clock.format(sentAt)}, ${duration(late)} late: the server was away`
        : clock.format(sentAt);
    row.append(what, when);
    sent.prepend(row);
    while (sent.children.length > KEPT) sent.lastElementChild?.remove();
    showEmpty();
  },
};

function remove(id: string): void {
  open.get(id)?.row.remove();
  open.delete(id);
}

function showEmpty(): void {
  element("no-planned", HTMLElement).hidden = open.size > 0;
  element("no-sent", HTMLElement).hidden = sent.children.length > 0;
}

/** Writes how long each has to wait. */
function count(): void {
  for (const { row, left, plan } of open.values()) {
    const ms = plan.dueAt - Date.now();
    left.textContent = ms > 0 ? `in ${duration(ms)}` : "due";
    row.classList.toggle("due", ms <= 0);
    const share = Math.min(1, Math.max(0, ms / Math.max(1, plan.dueAt - plan.setAt)));
    row.style.setProperty("--left", String(share));
  }
}

/** In the largest units that say something. */
function duration(ms: number): string {
  const s = Math.ceil(ms / 1_000);
  if (s < 100) return `${s} s`;
  const min = Math.round(s / 60);
  return min < 100 ? `${min} min` : `${Math.round(min / 60)} h`;
}

function choose(): void {
  for (const chip of chips) chip.ariaPressed = String(chip.dataset.seconds === seconds.value);
}

for (const chip of chips) {
  chip.addEventListener("click", () => {
    seconds.value = chip.dataset.seconds ?? seconds.value;
    choose();
  });
}
seconds.addEventListener("input", choose);
choose();
setInterval(count, 200);
