import type { ToolPart } from "../messages.js";

const ICONS: Readonly<Record<string, string>> = {
  calculator: "M6 3h12v18H6zM9 7h6M9 12h.01M12 12h.01M15 12h.01M9 16h.01M12 16h.01M15 16h.01",
  notes: "M5 4h14v12l-4 4H5zM8.5 9h7M8.5 13h4",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.5V12l3 2",
};

/** A call of a tool: what went in, and what came out. */
export function Tool({ part }: { part: ToolPart }) {
  const { tool, output } = part;
  return (
    <div className="tool" data-tool={tool} data-error={output?.isError}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={ICONS[tool] ?? "M4 12h16"} />
      </svg>
      <span className="called">{tool}</span>
      <code className="input">{inputOf(part)}</code>
      <span className="faint" aria-hidden="true">
        →
      </span>
      <code className="output">{output ? output.text : "…"}</code>
    </div>
  );
}

/** The arguments without what is only JSON about them. */
function inputOf({ input }: ToolPart): string {
  try {
    const value: unknown = JSON.parse(input);
    if (typeof value === "object" && value !== null)
      return Object.values(value).map(String).join(" ") || "now";
  } catch {
    // What is no JSON is shown as it is.
  }
  return input;
}
