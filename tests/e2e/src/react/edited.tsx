/** One component as its author edits it while the page runs. */
import { useState } from "react";
import { performReactRefresh, register, setSignature } from "react-refresh/runtime";
import type { PanelSpec } from "./app.js";
import type { Hooks } from "./hooks.js";

interface Props {
  readonly hooks: Hooks;
  readonly spec: PanelSpec;
}

/** The component before any edit. */
export function Written({ hooks, spec }: Props) {
  const actor = hooks.useActor({ ...spec.options });
  const [heard, setHeard] = useState(0);
  actor.useEvent("line", () => setHeard((before) => before + 1));
  return <p id={spec.id} data-status={actor.connStatus} data-version="written" data-heard={heard} />;
}

function Reworded({ hooks, spec }: Props) {
  const actor = hooks.useActor({ ...spec.options });
  const [heard, setHeard] = useState(0);
  actor.useEvent("line", () => setHeard((before) => before + 1));
  return <b id={spec.id} data-status={actor.connStatus} data-version="reworded" data-heard={heard} />;
}

function Restructured({ hooks, spec }: Props) {
  const [heard, setHeard] = useState(0);
  const actor = hooks.useActor({ ...spec.options });
  actor.useEvent("line", () => setHeard((before) => before + 10));
  return <i id={spec.id} data-status={actor.connStatus} data-version="restructured" data-heard={heard} />;
}

const EDITS = { reworded: Reworded, restructured: Restructured };

register(Written, "Edited");
setSignature(Written, "the hooks of the component");

/** Applies an edit: one of the text keeps the component's state, one of the hooks makes it anew. */
export function edit(version: keyof typeof EDITS): void {
  const component = EDITS[version];
  register(component, "Edited");
  setSignature(component, "the hooks of the component", version === "restructured");
  performReactRefresh();
}
