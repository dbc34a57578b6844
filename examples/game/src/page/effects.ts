import { PUCK } from "../arena.js";
import type { Snapshot } from "../game.js";
import type { Place } from "./timeline.js";

type Kind = Snapshot["happenings"][number][0];

interface Effect {
  readonly kind: Kind;
  readonly at: Place;
  readonly hue: number;
  readonly since: number;
}

/** Milliseconds that they are seen. */
const LIFE: Readonly<{ [kind in Kind]: number }> = { spark: 420, fall: 800 };

/** What flashes when something happens. */
export class Effects {
  #effects: Effect[] = [];

  add(kind: Kind, at: Place, hue: number, since: number): void {
    this.#effects.push({ kind, at, hue, since });
  }

  draw(context: CanvasRenderingContext2D, now: number): void {
    this.#effects = this.#effects.filter(({ kind, since }) => now - since < LIFE[kind]);
    for (const effect of this.#effects) {
      const age = (now - effect.since) / LIFE[effect.kind];
      if (effect.kind === "spark") burst(context, effect, age);
      else tumble(context, effect, age);
    }
  }
}

/** A spark that is taken flies apart. */
function burst(context: CanvasRenderingContext2D, { at }: Effect, age: number): void {
  context.fillStyle = `rgb(251 191 36 / ${1 - age})`;
  for (let index = 0; index < 8; index++) {
    const angle = (index / 8) * Math.PI * 2;
    const far = 12 + age * 52;
    context.beginPath();
    context.arc(at.x + Math.cos(angle) * far, at.y + Math.sin(angle) * far, 5 * (1 - age), 0, Math.PI * 2);
    context.fill();
  }
}

/** Somebody who falls gets smaller, beyond the edge. */
function tumble(context: CanvasRenderingContext2D, { at, hue }: Effect, age: number): void {
  const out = 1 + age * 0.08;
  context.beginPath();
  context.arc(at.x * out, at.y * out, PUCK * (1 - age), 0, Math.PI * 2);
  context.fillStyle = `oklch(0.72 0.16 ${hue} / ${1 - age})`;
  context.fill();
  context.beginPath();
  context.arc(at.x, at.y, PUCK + age * 90, 0, Math.PI * 2);
  context.lineWidth = 8 * (1 - age);
  context.strokeStyle = `oklch(0.72 0.16 ${hue} / ${0.7 * (1 - age)})`;
  context.stroke();
}
