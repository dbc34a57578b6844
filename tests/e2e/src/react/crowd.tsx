/** Many slow components that show the status of one actor, to catch renderings in which they differ. */
import { startTransition, useLayoutEffect, useState } from "react";
import type { PanelSpec } from "./app.js";
import type { Hooks } from "./hooks.js";

type Options = PanelSpec["options"];

/** Long enough for React to pause between two members when it renders in the background. */
const SLOWNESS_MS = 4;

/** What was seen after each commit: the statuses on the page, and whether they were different ones. */
export const seen = { statuses: new Set<string>(), torn: 0 };

function look(): void {
  const members = [...document.querySelectorAll("[data-member]")];
  const statuses = new Set(members.map((member) => member.getAttribute("data-member") ?? ""));
  for (const status of statuses) seen.statuses.add(status);
  if (statuses.size > 1) seen.torn++;
}

function Member({ hooks, options }: { hooks: Hooks; options: Options }) {
  const { connStatus, opts } = hooks.useActor(options);
  const until = performance.now() + SLOWNESS_MS;
  while (performance.now() < until);
  useLayoutEffect(look);
  return <i data-member={`${connStatus} ${String(opts.key)}`} />;
}

/** Moves the crowd to another actor, in the background. */
export let move: (options: Options) => void = () => {};

/** The crowd. */
export function Crowd({ hooks, first }: { hooks: Hooks; first: Options }) {
  const [options, setOptions] = useState(first);
  move = (next) => startTransition(() => setOptions(next));
  return Array.from({ length: 20 }, (_, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
    <Member key={index} hooks={hooks} options={options} />
  ));
}
