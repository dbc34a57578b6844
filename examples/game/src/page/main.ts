import { createClient } from "@greenroom/client";
import type { Scores } from "../game.js";
import type { registry } from "../registry.js";
import { listen } from "./input.js";
import { type Cast, Stage } from "./stage.js";
import { Timeline } from "./timeline.js";
import { view } from "./view.js";

const arena = nameFromAddress();
addEventListener("hashchange", () => location.reload());
// Each window is a player of its own. Who has the id has the points.
const player = sessionStorage.getItem("player") ?? crypto.randomUUID();
sessionStorage.setItem("player", player);

const client = createClient<typeof registry>(location.origin);
const game = client.game.getOrCreate([arena], { params: { player } }).connect();
const stage = new Stage(view.canvas);
const timeline = new Timeline();
let name: string | undefined;
let own: number | undefined;
let cast: Cast = { players: new Map(), own, leader: undefined };
let last: Scores = { players: [], best: [] };

view.arena(arena);
game.on("snapshot", (snapshot) => timeline.push(snapshot, performance.now()));
game.on("scores", showScores);
game.onStatusChange(view.status);
game.onError((error) => view.trouble(error.message));
// Every opening, the first and each after a loss: who has joined joins again, and finds the points that were there.
game.onOpen(() => {
  timeline.reset();
  void (name === undefined ? watch() : join(name));
});

view.onPlay(localStorage.getItem("name") ?? "", (chosen) => {
  name = chosen;
  localStorage.setItem("name", chosen);
  void join(chosen);
});
view.dash.addEventListener("pointerdown", (press) => {
  press.preventDefault();
  dash();
});
listen(view.canvas, view.stick, { steer, dash });

requestAnimationFrame(function draw(now) {
  const frame = timeline.frame(now);
  if (frame) stage.draw(frame, cast, now);
  requestAnimationFrame(draw);
});

/** The arena in the address, `#balcony`; without one, `main`. */
function nameFromAddress(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)) || "main";
  } catch {
    return location.hash.slice(1);
  }
}

async function join(as: string): Promise<void> {
  try {
    own = await game.join(as);
    showScores(last);
  } catch (error) {
    view.trouble(error instanceof Error ? error.message : String(error));
  }
}

async function watch(): Promise<void> {
  await game.scores().then(showScores, () => {});
}

/** An order that is lost, or one too many, is not worth a word: the next one comes soon. */
function steer(x: number, y: number): void {
  if (own !== undefined && game.isConnected) game.steer(x, y).catch(() => {});
}

function dash(): void {
  if (own !== undefined && game.isConnected) game.dash().catch(() => {});
}

function showScores(now: Scores): void {
  last = now;
  const [first] = now.players;
  cast = {
    players: new Map(now.players.map((one) => [one.slot, one])),
    own,
    leader: first && first.points > 0 ? first.slot : undefined,
  };
  view.scores(now, own);
}
