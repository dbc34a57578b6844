import type { Tool } from "./tool.js";

export const clock: Tool = {
  name: "clock",
  description: "Tells the present date and time, in a time zone.",
  parameters: {
    type: "object",
    properties: {
      timeZone: { type: "string", description: "An IANA name such as Europe/Berlin. Default UTC." },
    },
  },
  run(input) {
    const timeZone = typeof input.timeZone === "string" && input.timeZone !== "" ? input.timeZone : "UTC";
    try {
      const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short", timeZone });
      return `${format.format(Date.now())} (${timeZone})`;
    } catch {
      throw new Error(`\`${timeZone}\` is no time zone`);
    }
  },
};
