/** Which way the player wants to go: by keys, by finger, by mouse. */

export interface Orders {
  steer(x: number, y: number): void;
  dash(): void;
}

const KEYS: Readonly<Partial<{ [code: string]: readonly [x: number, y: number] }>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  KeyA: [-1, 0],
  KeyD: [1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
};
/** So many pixels from where it was put down, a finger means full speed. */
const REACH = 56;
/** Milliseconds between two orders. */
const PAUSE = 45;

/** Listens until the page ends. @param stick What shows where the finger was put down. */
export function listen(surface: HTMLElement, stick: HTMLElement, orders: Orders): void {
  const steer = throttled(orders.steer);
  listenToKeys(steer, orders.dash);
  listenToPointers(surface, stick, steer, orders.dash);
}

function listenToKeys(steer: Orders["steer"], dash: () => void): void {
  const held = new Set<string>();
  const tell = () => {
    let [x, y] = [0, 0];
    for (const code of held) {
      const [dx, dy] = KEYS[code] ?? [0, 0];
      x += dx;
      y += dy;
    }
    steer(Math.sign(x), Math.sign(y));
  };
  addEventListener("keydown", (press) => {
    if (press.target instanceof HTMLInputElement || press.metaKey || press.ctrlKey || press.altKey) return;
    if (press.code === "Space" && !press.repeat) dash();
    if (KEYS[press.code]) {
      held.add(press.code);
      tell();
    }
    if (KEYS[press.code] || press.code === "Space") press.preventDefault();
  });
  addEventListener("keyup", (press) => {
    if (held.delete(press.code)) tell();
  });
  // A key that is let go in another window is never heard of.
  addEventListener("blur", () => {
    held.clear();
    tell();
  });
}

function listenToPointers(
  surface: HTMLElement,
  stick: HTMLElement,
  steer: Orders["steer"],
  dash: () => void,
): void {
  let finger: { readonly id: number; readonly x: number; readonly y: number } | undefined;
  surface.addEventListener("pointerdown", (press) => {
    press.preventDefault();
    // A second finger leaps.
    if (finger) return dash();
    surface.setPointerCapture(press.pointerId);
    finger = { id: press.pointerId, x: press.clientX, y: press.clientY };
    stick.hidden = false;
    stick.style.translate = `${press.clientX}px ${press.clientY}px`;
    stick.style.setProperty("--x", "0");
    stick.style.setProperty("--y", "0");
  });
  surface.addEventListener("pointermove", (move) => {
    if (move.pointerId !== finger?.id) return;
    const [x, y] = [(move.clientX - finger.x) / REACH, (move.clientY - finger.y) / REACH];
    const long = Math.max(1, Math.hypot(x, y));
    stick.style.setProperty("--x", String(x / long));
    stick.style.setProperty("--y", String(y / long));
    steer(x / long, y / long);
  });
  const release = (lift: PointerEvent) => {
    if (lift.pointerId !== finger?.id) return;
    finger = undefined;
    stick.hidden = true;
    steer(0, 0);
  };
  surface.addEventListener("pointerup", release);
  surface.addEventListener("pointercancel", release);
}

/** The first order at once, later ones not too often; the last one always. */
function throttled(order: Orders["steer"]): Orders["steer"] {
  let last: readonly [number, number] = [0, 0];
  let next: readonly [number, number] = last;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (next[0] === last[0] && next[1] === last[1]) return;
    last = next;
    timer = setTimeout(flush, PAUSE);
    order(...last);
  };
  return (x, y) => {
    next = [x, y];
    if (timer === undefined) flush();
  };
}
