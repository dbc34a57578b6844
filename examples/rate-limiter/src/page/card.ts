import { type Policy, tokensAt } from "../bucket.js";
import type { Watched } from "../limiter.js";

/** Who sends what. */
export interface Client {
  readonly account: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly policy: Policy;
}

/** What a card shows of an answer. */
export interface Answer {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** So many answers are shown. */
const SHOWN = 50;

/** One client's bucket on the page: what the actor says, and what came of the requests. */
export class Card {
  readonly element: HTMLElement;
  readonly #client: Client;
  #watched: Watched;
  /** When the level was told, on this page's clock: the server's may be another. */
  #toldAt = performance.now();
  #passed = 0;
  #refused = 0;

  constructor(client: Client, template: HTMLTemplateElement, send: (count: number) => void) {
    this.#client = client;
    this.#watched = { policy: client.policy, level: { tokens: client.policy.limit, at: 0 } };
    const copy = template.content.cloneNode(true);
    if (!(copy instanceof DocumentFragment)) throw new Error("a template has content");
    const root = copy.querySelector<HTMLElement>(".bucket");
    if (!root) throw new Error("the template holds a bucket");
    this.element = root;
    this.#write(".avatar", client.account.slice(0, 1).toUpperCase());
    this.#part(".avatar").style.setProperty("--hue", String((client.account.charCodeAt(0) * 47) % 360));
    this.#write("h2", client.account);
    this.#write(".route", `${client.method} ${client.path}`);
    this.#write(".plan", client.policy.name);
    for (const button of root.querySelectorAll<HTMLButtonElement>(".send button")) {
      button.addEventListener("click", () => send(Number(button.dataset.count)));
    }
  }

  /** The actor told how full the bucket is. */
  tell(watched: Watched): void {
    this.#watched = watched;
    this.#toldAt = performance.now();
  }

  /** Draws the level of this moment: what was told, and what has flown in since. */
  draw(now: number): void {
    const { level, policy } = this.#watched;
    const tokens = tokensAt({ tokens: level.tokens, at: this.#toldAt }, policy, now);
    this.element.style.setProperty("--full", (tokens / policy.limit).toFixed(4));
    this.#write(".tokens", String(Math.floor(tokens)));
    this.#write(".limit", `of ${policy.limit}`);
    this.#write(".refill", refillText(tokens, policy));
    this.#part(".vessel").setAttribute("aria-label", `${Math.floor(tokens)} of ${policy.limit} tokens left`);
  }

  answered({ status, fields }: Answer): void {
    const passed = status < 400;
    if (passed) this.#passed += 1;
    else this.#refused += 1;
    const answers = this.#part(".answers");
    const mark = document.createElement("li");
    mark.dataset.passed = String(passed);
    mark.title = String(status);
    answers.append(mark);
    if (answers.childElementCount > SHOWN) answers.firstElementChild?.remove();
    this.#write(".tally", `${this.#passed} passed, ${this.#refused} refused`);
    if (!passed) this.#shake();
    this.#part(".fields").replaceChildren(...[["Status", String(status)] as const, ...fields].map(fieldRow));
  }

  #shake(): void {
    const vessel = this.#part(".vessel");
    vessel.classList.add("refusing");
    vessel.addEventListener("animationend", () => vessel.classList.remove("refusing"), { once: true });
  }

  #write(selector: string, text: string): void {
    const part = this.#part(selector);
    if (part.textContent !== text) part.textContent = text;
  }

  #part(selector: string): HTMLElement {
    const found = this.element.querySelector<HTMLElement>(selector);
    if (!found) throw new Error(`the card of ${this.#client.account} has no ${selector}`);
    return found;
  }
}

function refillText(tokens: number, { limit, window }: Policy): string {
  if (tokens >= limit) return "Full";
  const next = Math.max(0, (1 - (tokens % 1)) * (window / limit)) / 1_000;
  return next > 90 ? `Next token in ${Math.ceil(next / 60)} min` : `Next token in ${next.toFixed(1)} s`;
}

function fieldRow([name, value]: readonly [string, string]): HTMLElement {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  term.textContent = name;
  const description = document.createElement("dd");
  description.textContent = value;
  row.append(term, description);
  return row;
}
