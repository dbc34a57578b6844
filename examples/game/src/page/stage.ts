import { PUCK, SPARK, STAGE } from "../arena.js";
import type { Player } from "../game.js";
import { Effects } from "./effects.js";
import type { Frame, Place } from "./timeline.js";

/** Who is who, for the drawing. */
export interface Cast {
  readonly players: ReadonlyMap<number, Player>;
  readonly own: number | undefined;
  readonly leader: number | undefined;
}

/** The colour of a slot, as an angle: far from those of its neighbours. */
export function hueOf(slot: number): number {
  return Math.round((slot * 137.5 + 20) % 360);
}

/** Draws frames on a canvas that fills its box. */
export class Stage {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #effects = new Effects();
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  /** Where everybody was in the last frames, newest first: the fast ones leave a trail. */
  readonly #trails = new Map<number, Place[]>();

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("the browser draws on no canvas");
    this.#canvas = canvas;
    this.#context = context;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#fit();
  }

  draw(frame: Frame, cast: Cast, now: number): void {
    const { width, height } = this.#canvas;
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const scale = Math.min(width, height) / 2 / (STAGE * 1.12);
    context.setTransform(scale, 0, 0, scale, width / 2, height / 2);
    for (const [kind, slot, x, y] of frame.happenings) this.#effects.add(kind, { x, y }, hueOf(slot), now);
    this.#floor();
    for (const [id, x, y] of frame.sparks) this.#spark(id, { x, y }, now);
    this.#effects.draw(context, now);
    for (const [slot, at] of frame.pucks) this.#trail(slot, at);
    for (const [slot, at] of frame.pucks) if (slot !== cast.own) this.#puck(slot, at, cast, now);
    const own = cast.own === undefined ? undefined : frame.pucks.get(cast.own);
    if (own && cast.own !== undefined) this.#puck(cast.own, own, cast, now);
  }

  #fit(): void {
    const density = Math.min(2, devicePixelRatio);
    this.#canvas.width = Math.round(this.#canvas.clientWidth * density);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * density);
  }

  /** Of the page, for each unit of the stage. */
  #pixels(): number {
    return Math.min(this.#canvas.clientWidth, this.#canvas.clientHeight) / 2 / (STAGE * 1.12);
  }

  #floor(): void {
    const context = this.#context;
    const isDark = this.#dark.matches;
    const light = context.createRadialGradient(0, -STAGE * 0.25, STAGE * 0.1, 0, 0, STAGE);
    light.addColorStop(0, isDark ? "#22312a" : "#ffffff");
    light.addColorStop(1, isDark ? "#101714" : "#e3ece7");
    context.save();
    context.shadowColor = isDark ? "rgb(52 211 153 / 45%)" : "rgb(5 150 105 / 35%)";
    context.shadowBlur = 60;
    disc(context, { x: 0, y: 0 }, STAGE);
    context.fillStyle = light;
    context.fill();
    context.restore();
    context.lineWidth = 2;
    context.strokeStyle = isDark ? "rgb(255 255 255 / 6%)" : "rgb(0 40 25 / 7%)";
    for (const share of [0.25, 0.5, 0.75]) {
      disc(context, { x: 0, y: 0 }, STAGE * share);
      context.stroke();
    }
    disc(context, { x: 0, y: 0 }, STAGE);
    context.lineWidth = 7;
    context.strokeStyle = isDark ? "#34d399" : "#059669";
    context.stroke();
  }

  #spark(id: number, at: Place, now: number): void {
    const context = this.#context;
    const isDark = this.#dark.matches;
    const beat = 1 + 0.14 * Math.sin(now / 260 + id);
    context.save();
    context.translate(at.x, at.y);
    context.rotate(Math.PI / 4 + Math.sin(now / 900 + id) * 0.3);
    context.shadowColor = "#fbbf24";
    context.shadowBlur = 22;
    context.fillStyle = isDark ? "#fcd34d" : "#f59e0b";
    const side = SPARK * 1.3 * beat;
    context.beginPath();
    context.roundRect(-side / 2, -side / 2, side, side, 3);
    context.fill();
    context.restore();
  }

  #trail(slot: number, at: Place): void {
    const trail = [at, ...(this.#trails.get(slot) ?? [])].slice(0, 9);
    const [, before = at] = trail;
    // Somebody who was put elsewhere leaves no trail across the stage.
    this.#trails.set(slot, Math.hypot(at.x - before.x, at.y - before.y) > 120 ? [at] : trail);
    const context = this.#context;
    for (const [index, place] of trail.entries()) {
      if (index === 0) continue;
      disc(context, place, PUCK * (1 - index / 12));
      context.fillStyle = `oklch(0.75 0.14 ${hueOf(slot)} / ${0.1 - index * 0.01})`;
      context.fill();
    }
  }

  #puck(slot: number, at: Place, { players, own, leader }: Cast, now: number): void {
    const context = this.#context;
    const player = players.get(slot);
    const hue = hueOf(slot);
    const pale = player?.isUnderstudy ? 0.035 : 0.16;
    context.save();
    context.translate(at.x, at.y);
    context.shadowColor = "rgb(0 0 0 / 35%)";
    context.shadowBlur = 14;
    context.shadowOffsetY = 5;
    const body = context.createRadialGradient(-8, -10, 3, 0, 0, PUCK);
    body.addColorStop(0, `oklch(0.9 ${pale} ${hue})`);
    body.addColorStop(1, `oklch(0.66 ${pale} ${hue})`);
    disc(context, { x: 0, y: 0 }, PUCK);
    context.fillStyle = body;
    context.fill();
    context.shadowColor = "transparent";
    if (slot === own) {
      disc(context, { x: 0, y: 0 }, PUCK + 5 + Math.sin(now / 240) * 1.5);
      context.lineWidth = 4;
      context.strokeStyle = this.#dark.matches ? "#ffffff" : "#101814";
      context.stroke();
    }
    this.#letters(player?.name ?? "?", hue);
    if (slot === leader) crown(context);
    context.restore();
  }

  #letters(name: string, hue: number): void {
    const context = this.#context;
    // On a small stage the names would be too small to read.
    const size = Math.max(19, 11 / this.#pixels());
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = `oklch(0.28 0.08 ${hue})`;
    context.font = '700 30px "Inter Variable", sans-serif';
    context.fillText([...name][0]?.toUpperCase() ?? "?", 0, 2);
    context.fillStyle = this.#dark.matches ? "rgb(233 241 237 / 85%)" : "rgb(16 24 20 / 85%)";
    context.font = `600 ${size}px "Inter Variable", sans-serif`;
    context.fillText(name, 0, PUCK + size * 1.1);
  }
}

/** For whoever has the most points. */
function crown(context: CanvasRenderingContext2D): void {
  context.save();
  context.translate(0, -PUCK - 11);
  context.beginPath();
  context.moveTo(-15, 9);
  context.lineTo(-17, -8);
  context.lineTo(-7, 0);
  context.lineTo(0, -12);
  context.lineTo(7, 0);
  context.lineTo(17, -8);
  context.lineTo(15, 9);
  context.closePath();
  context.fillStyle = "#fbbf24";
  context.strokeStyle = "#92600a";
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  context.restore();
}

function disc(context: CanvasRenderingContext2D, at: Place, radius: number): void {
  context.beginPath();
  context.arc(at.x, at.y, radius, 0, Math.PI * 2);
}
