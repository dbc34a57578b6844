/** Actors that call each other. */
import { writeSync } from "node:fs";
import { actor, setup, UserError } from "greenroom";

/** Things that are sold. */
const stock = actor({
  state: { left: 10 },
  actions: {
    take(c, n: number): boolean {
      if (c.state.left < n) return false;
      c.state.left -= n;
      c.broadcast("left", c.state.left);
      return true;
    },
    left: (c): number => c.state.left,
    async slow(c): Promise<string> {
      const { promise, resolve } = waiter();
      c.abortSignal.addEventListener("abort", () => {
        c.state.left = -1;
        resolve("aborted");
      });
      c.broadcast("waiting");
      return promise;
    },
    refuse(): never {
      throw new UserError("sold out", { code: "sold_out", metadata: { until: "monday" } });
    },
    params: (c): unknown => c.conn.params,
    sleep: (c): void => c.sleep(),
  },
});

const checkout = actor({
  state: { orders: 0, seen: [] as number[] },
  actions: {
    // The return types are written down: they would depend on the registry, and the registry on them.
    async buy(c, sku: string, n: number): Promise<boolean> {
      const ok = await c.client<typeof registry>().stock.getOrCreate(["sku", sku]).take(n);
      if (ok) c.state.orders++;
      return ok;
    },
    async watch(c, sku: string): Promise<void> {
      const conn = c.client<typeof registry>().stock.getOrCreate(["sku", sku]).connect();
      conn.on("left", (n: number) => {
        c.state.seen.push(n);
        c.broadcast("stock", sku, n);
      });
      c.abortSignal.addEventListener("abort", () => void conn.dispose());
      // Handled after the subscription.
      await conn.left();
    },
    async buyOverConnection(c, sku: string, n: number): Promise<boolean> {
      const conn = c.client<typeof registry>().stock.getOrCreate(["sku", sku]).connect();
      try {
        return await conn.take(n);
      } finally {
        await conn.dispose();
      }
    },
    async refused(c): Promise<void> {
      await c.client<typeof registry>().stock.getOrCreate("x").refuse();
    },
    async giveUp(c, sku: string): Promise<string> {
      const controller = new AbortController();
      const target = c.client<typeof registry>().stock.getOrCreate(["sku", sku]);
      const conn = target.connect();
      conn.on("waiting", () => controller.abort());
      // Handled after the subscription.
      await conn.left();
      try {
        await target.action({ name: "slow", args: [], signal: controller.signal });
        return "answered";
      } catch (error) {
        return (error as { code?: string }).code ?? "unknown";
      } finally {
        await conn.dispose();
      }
    },
    async missing(c): Promise<void> {
      await c.client<typeof registry>().stock.get("nobody").left();
    },
    seen: (c): number[] => c.state.seen,
    orders: (c): number => c.state.orders,
    sleep: (c): void => c.sleep(),
  },
});

/** Calls others, which call others, and so on. */
const link = actor({
  state: { calls: 0 },
  actions: {
    async down(c, depth: number): Promise<number> {
      c.state.calls++;
      if (depth === 0) return 0;
      return (
        1 +
        (await c
          .client<typeof registry>()
          .link.getOrCreate(`link-${depth}`)
          .down(depth - 1))
      );
    },
    /** Calls itself by way of another one. */
    async around(c, times: number): Promise<number> {
      c.state.calls++;
      if (times === 0) return c.state.calls;
      const [other] = c.key[0] === "a" ? ["b"] : ["a"];
      return c
        .client<typeof registry>()
        .link.getOrCreate(other)
        .around(times - 1);
    },
    calls: (c): number => c.state.calls,
  },
});

/** Takes one call at a time, and calls another one that calls back. */
const guarded = actor({
  options: { concurrency: "exclusive" },
  state: { calls: 0 },
  actions: {
    async there(c): Promise<string> {
      c.state.calls++;
      return c
        .client<typeof registry>()
        .guarded.getOrCreate([...c.key, "other"])
        .back(c.key);
    },
    async back(c, key: string[]): Promise<string> {
      return c.client<typeof registry>().guarded.getOrCreate(key).again();
    },
    again: (c): string => `again ${c.state.calls}`,
    async onward(c): Promise<string> {
      return c
        .client<typeof registry>()
        .guarded.getOrCreate([...c.key, "other"])
        .again();
    },
  },
});

/** Answers requests piece by piece. */
const web = actor({
  onRequest(_c, request): Response {
    const { pathname } = new URL(request.url);
    const pieces = Number(request.headers.get("x-pieces") ?? 1);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ === pieces) controller.close();
        else controller.enqueue(new TextEncoder().encode(`${pathname} ${sent}\n`.padEnd(10_000)));
      },
    });
    return new Response(body, { status: 207, headers: { "x-who": "web" } });
  },
  actions: {},
});

const reader = actor({
  actions: {
    async read(
      c,
      pieces: number,
    ): Promise<{ status: number; who: string | null; size: number; last: string }> {
      const response = await c
        .client<typeof registry>()
        .web.getOrCreate("site")
        .fetch("a/b", { headers: { "x-pieces": String(pieces) } });
      const text = await response.text();
      const last = text.trimEnd().split("\n").at(-1)?.trim() ?? "";
      return { status: response.status, who: response.headers.get("x-who"), size: text.length, last };
    },
    async socket(c): Promise<string> {
      try {
        await c.client<typeof registry>().web.getOrCreate("site").webSocket("x");
        return "open";
      } catch (error) {
        return (error as { code?: string }).code ?? "unknown";
      }
    },
  },
});

/** Takes a step, and tells the witness of it. */
const journal = actor({
  state: { steps: 0 },
  actions: {
    async step(c): Promise<number> {
      c.state.steps++;
      const { steps } = c.state;
      await c.client<typeof registry>().witness.getOrCreate(c.key).saw(steps);
      return steps;
    },
    steps: (c): number => c.state.steps,
  },
});

/** Tells the world at once, without storing anything. */
const witness = actor({
  actions: {
    saw(c, step: number): void {
      writeSync(2, `saw ${c.key[0]} ${step};\n`);
    },
  },
});

const ledger = actor({
  state: { highest: 0 },
  actions: {
    note(c, step: number): void {
      c.state.highest = Math.max(c.state.highest, step);
    },
    highest: (c): number => c.state.highest,
  },
});

/** Calls another one while it comes into being. */
const newcomer = actor({
  state: { greeting: 0 },
  onCreate: async (c): Promise<void> => {
    c.state.greeting = 1;
    await c.client<typeof registry>().ledger.getOrCreate("newcomers").note(7);
    c.state.greeting = 2;
  },
  actions: { greeting: (c): number => c.state.greeting },
});

/** Says good-bye to another one. */
const parting = actor({
  state: { greeted: 0 },
  onSleep: async (c): Promise<void> => {
    try {
      await c
        .client<typeof registry>()
        .ledger.getOrCreate("good-byes")
        .note(++c.state.greeted);
    } catch (error) {
      writeSync(2, `no good-bye: ${(error as { code?: string }).code};\n`);
    }
  },
  actions: { greet: (c): number => c.state.greeted, sleep: (c): void => c.sleep() },
});

function waiter(): { promise: Promise<string>; resolve: (value: string) => void } {
  let resolve: (value: string) => void = () => {};
  const promise = new Promise<string>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

export const registry = setup({
  use: { stock, checkout, link, guarded, web, reader, journal, witness, ledger, newcomer, parting },
});
