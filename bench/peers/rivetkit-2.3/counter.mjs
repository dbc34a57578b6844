import { actor } from "rivetkit";

const LINE = "x".repeat(100);

/** How often each actor was woken since the process began. */
const wakes = new Map();

/** Whether an action that writes answers when its write is saved. By itself RivetKit saves within a second after it. */
const isSaved = process.argv.includes("--saved");

/** What an action that writes answers. */
function answer(c, value) {
  return isSaved ? c.saveState({ immediate: true }).then(() => value) : value;
}

/** The actor type that all workloads use. */
export const counter = actor({
  // Longer than any measurement: those that measure sleep ask for it.
  options: { sleepTimeout: 600_000 },
  state: { count: 0, lines: [] },
  onWake: (c) => void wakes.set(c.actorId, (wakes.get(c.actorId) ?? 0) + 1),
  actions: {
    increment(c, by) {
      c.state.count += by;
      return answer(c, c.state.count);
    },
    getCount: (c) => c.state.count,
    append: (c, text) => answer(c, c.state.lines.push(text)),
    fill(c, bytes) {
      const missing = Math.ceil(bytes / LINE.length) - c.state.lines.length;
      for (let i = 0; i < missing; i += 1) c.state.lines.push(LINE);
      return answer(c, c.state.lines.length);
    },
    publish(c, text, times) {
      for (let i = 0; i < times; i += 1) c.broadcast("said", text);
      return times;
    },
    nap(c) {
      c.sleep();
      return null;
    },
    getWakes: (c) => wakes.get(c.actorId) ?? 0,
  },
});
