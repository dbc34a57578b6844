import { createClient } from "@greenroom/client";
import { BURST, HOURLY } from "../plans.js";
import type { registry } from "../registry.js";
import { type Answer, Card, type Client } from "./card.js";

const CLIENTS: readonly Client[] = [
  { account: "anna", method: "GET", path: "/api/forecast", policy: BURST },
  { account: "bob", method: "GET", path: "/api/forecast", policy: BURST },
  { account: "anna", method: "POST", path: "/api/export", policy: HOURLY },
];
const FIELDS = ["RateLimit", "RateLimit-Policy", "Retry-After"] as const;
const STATUS = {
  idle: "Offline",
  connecting: "Connecting…",
  connected: "Live",
  disconnected: "Reconnecting…",
};

const buckets = element("buckets", HTMLElement);
const template = element("bucket", HTMLTemplateElement);
const status = element("status", HTMLElement);
const trouble = element("trouble", HTMLElement);
const greenroom = createClient<typeof registry>(`${location.origin}/api/greenroom`);

const statuses = new Map<Card, keyof typeof STATUS>();
const cards = CLIENTS.map((client) => {
  const card = new Card(client, template, (count) => void sendMany(client, card, count));
  buckets.append(card.element);
  watch(client, card);
  return card;
});
requestAnimationFrame(function draw(now) {
  for (const card of cards) card.draw(now);
  requestAnimationFrame(draw);
});

/** Keeps a card up to date with its actor. */
function watch({ account, policy }: Client, card: Card): void {
  const bucket = greenroom.limiter.getOrCreate([policy.name, account]).connect();
  bucket.on("bucket", (watched) => card.tell(watched));
  bucket.onOpen(async () => {
    const watched = await bucket.bucket().catch(() => undefined);
    if (watched) card.tell(watched);
  });
  bucket.onStatusChange((now) => {
    statuses.set(card, now);
    showStatus();
  });
  bucket.onError((error) => {
    // What became of a request says more than that a connection is still gone.
    trouble.textContent ||= error.message;
  });
}

/** The page is as well connected as the worst of its buckets. */
function showStatus(): void {
  const now = [...statuses.values()].find((one) => one !== "connected") ?? "connected";
  status.dataset.status = now;
  status.textContent = STATUS[now];
  if (now === "connected") trouble.textContent = "";
}

/** Sends so many requests at the same moment. */
async function sendMany(client: Client, card: Card, count: number): Promise<void> {
  try {
    await Promise.all(Array.from({ length: count }, async () => card.answered(await send(client))));
  } catch {
    trouble.textContent = "The server does not answer. It will be tried again with the next request.";
  }
}

async function send({ account, method, path }: Client): Promise<Answer> {
  const response = await fetch(path, { method, headers: { "x-api-key": account } });
  const fields = FIELDS.map((name) => [name, response.headers.get(name)] as const);
  return {
    status: response.status,
    fields: fields.flatMap(([name, value]) => (value === null ? [] : ([[name, value]] as const))),
  };
}

/** The element with this id. */
function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no <${kind.name}> #${id}`);
  return found;
}
