const KEYS = ["main", "bar", "cloakroom"];
const LINES = 8;

const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
} as const;

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}

const status = element("status", HTMLElement);
const keys = element("keys", HTMLElement);
const count = element("count", HTMLOutputElement);
const trouble = element("trouble", HTMLElement);
const wire = element("wire", HTMLOListElement);
const buttons = [...document.querySelectorAll<HTMLButtonElement>("button[data-by]")];

/** Everything that touches the page. */
export const view = {
  /** The key that the address names. */
  key(): string {
    return decodeURIComponent(location.hash.slice(1)) || "main";
  },

  onKeyChange(change: (key: string) => void): void {
    addEventListener("hashchange", () => {
      showKeys();
      clear();
      change(view.key());
    });
  },

  onPress(press: (by: number) => void): void {
    for (const button of buttons) button.addEventListener("click", () => press(Number(button.dataset.by)));
  },

  status(now: keyof typeof STATUS): void {
    status.textContent = STATUS[now];
    status.dataset.status = now;
    for (const button of buttons) button.disabled = now !== "connected";
    if (now === "connected") trouble.textContent = "";
  },

  trouble(message: string): void {
    trouble.textContent = message;
  },

  /** The count, as the actor said it. */
  count(now: number): void {
    const shown = now.toLocaleString();
    if (count.value === shown) return;
    count.value = shown;
    count.classList.remove("bump");
    // Read, so that the animation starts anew.
    void count.offsetWidth;
    count.classList.add("bump");
  },

  /** Somebody, maybe this window, has counted. */
  event(now: number): void {
    view.count(now);
    log("event", `newCount ${now}`);
  },

  /** The reply to this window's own call. */
  reply(by: number, now: number, ms: number): void {
    view.count(now);
    log("reply", `increment(${by}) → ${now}`, `${ms.toFixed(1)} ms`);
  },
};

function log(kind: "event" | "reply", text: string, note = ""): void {
  wire.querySelector(".faint")?.remove();
  const line = document.createElement("li");
  line.dataset.kind = kind;
  const what = document.createElement("span");
  what.textContent = text;
  const aside = document.createElement("small");
  aside.textContent = note;
  line.append(what, aside);
  wire.prepend(line);
  while (wire.children.length > LINES) wire.lastElementChild?.remove();
}

/** One link per counter; the one that the address names is there in any case. */
function showKeys(): void {
  const current = view.key();
  document.title = `${current} · Counter · Greenroom`;
  keys.replaceChildren(
    ...[...new Set([...KEYS, current])].map((key) => {
      const link = document.createElement("a");
      link.className = "chip";
      link.href = `#${encodeURIComponent(key)}`;
      link.textContent = key;
      link.ariaCurrent = String(key === current);
      return link;
    }),
  );
}

function clear(): void {
  count.value = "–";
  wire.replaceChildren();
}

showKeys();
