import { handlers, object } from "@restatedev/restate-sdk";

const LINE = "x".repeat(100);

/** The virtual object that all workloads use. */
export const counter = object({
  name: "counter",
  handlers: {
    async increment(ctx, by) {
      const count = ((await ctx.get("count")) ?? 0) + by;
      ctx.set("count", count);
      return count;
    },
    getCount: handlers.object.shared(async (ctx) => (await ctx.get("count")) ?? 0),
    async append(ctx, text) {
      const lines = (await ctx.get("lines")) ?? [];
      lines.push(text);
      ctx.set("lines", lines);
      return lines.length;
    },
    async fill(ctx, bytes) {
      const lines = (await ctx.get("lines")) ?? [];
      const missing = Math.ceil(bytes / LINE.length) - lines.length;
      for (let i = 0; i < missing; i += 1) lines.push(LINE);
      ctx.set("lines", lines);
      return lines.length;
    },
  },
});
