/** The page of the suites about React hooks: it shows what it is told to, and what its hooks say. */

import type { ActorError, ActorOptions } from "@greenroom/react";
import { Component, type ReactNode, StrictMode, Suspense, useState } from "react";
import type { registry } from "../server/react-registry.js";
import type { Hooks } from "./hooks.js";

/** One lobby to be shown. */
export interface PanelSpec {
  readonly id: string;
  readonly options: ActorOptions<typeof registry, "lobby">;
  readonly suspense?: boolean;
  /** Listens from a child component as well. */
  readonly child?: boolean;
  /** Comes with other parameters at each rendering. */
  readonly restless?: boolean;
  /** Has a handler that throws. */
  readonly throws?: boolean;
  /** Listens to what only Ann may hear. */
  readonly curious?: boolean;
}

/** What the page shows. */
export interface PageSpec {
  readonly strict?: boolean;
  readonly panels: readonly PanelSpec[];
}

type Lobby = ReturnType<Hooks["useActor"]>;

/** New objects at each rendering, as people write them. */
function optionsOf({ options, restless }: PanelSpec): PanelSpec["options"] {
  if (restless) return { ...options, params: { me: `restless ${Math.random()}` } };
  const { key, params } = options;
  return {
    ...options,
    key: Array.isArray(key) ? [...key] : key,
    params: params && (Object.fromEntries(Object.entries(params)) as typeof params),
  };
}

/** All panels of a page. */
export function App({ hooks, spec }: { hooks: Hooks; spec: PageSpec }) {
  const panels = spec.panels.map((panel) =>
    panel.suspense ? (
      <Catch key={panel.id} id={panel.id}>
        <Suspense fallback={<p id={panel.id} data-status="waiting" />}>
          <SuspensePanel hooks={hooks} spec={panel} />
        </Suspense>
      </Catch>
    ) : (
      <Panel key={panel.id} hooks={hooks} spec={panel} />
    ),
  );
  return spec.strict ? <StrictMode>{panels}</StrictMode> : panels;
}

function Panel({ hooks, spec }: { hooks: Hooks; spec: PanelSpec }) {
  return <View actor={hooks.useActor(optionsOf(spec))} spec={spec} />;
}

function SuspensePanel({ hooks, spec }: { hooks: Hooks; spec: PanelSpec }) {
  return <View actor={hooks.useSuspenseActor(optionsOf(spec))} spec={spec} />;
}

/** What views showed, as `status error`, by panel: each change, and how often they were rendered. */
export const shown = new Map<string, { readonly changes: string[]; renderings: number }>();

function record(id: string, { connStatus, error }: Lobby): void {
  const known = shown.get(id) ?? { changes: [], renderings: 0 };
  shown.set(id, known);
  known.renderings++;
  const now = [connStatus, ...(error ? [`${error.group}.${error.code}`] : [])].join(" ");
  if (known.changes.at(-1) !== now) known.changes.push(now);
}

function View({ actor, spec }: { actor: Lobby; spec: PanelSpec }) {
  const { id, child, throws, curious } = spec;
  const [lines, setLines] = useState<readonly string[]>([]);
  const [numbers, setNumbers] = useState<readonly number[]>([]);
  const [prefix, setPrefix] = useState("");
  record(id, actor);
  actor.useEvent("line", () => {
    if (throws) throw new Error("a handler of the page");
  });
  // A closure of this rendering: it has to be the newest one that is called.
  actor.useEvent("line", ({ text }) => setLines([...lines, prefix + text]));
  actor.useEvent(curious ? "secret" : "counted", (number: number | string) => {
    if (typeof number === "number") setNumbers((before) => [...before, number]);
  });
  return (
    <section
      id={id}
      data-status={actor.connStatus}
      data-error={actor.error && `${actor.error.group}.${actor.error.code}`}
      data-handle={actor.handle !== null}
    >
      <p className="error">{actor.error?.message}</p>
      <ol>
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are only added
          <li key={index}>{line}</li>
        ))}
      </ol>
      <p className="numbers">{numbers.join(" ")}</p>
      <button type="button" className="prefix" onClick={() => setPrefix("> ")} />
      <button type="button" className="say" onClick={() => void actor.connection?.say("from a button")} />
      <button type="button" className="call" onClick={() => void actor.handle?.say("over HTTP")} />
      <button type="button" className="count" onClick={() => void actor.connection?.count(100)} />
      {child && <Child actor={actor} />}
    </section>
  );
}

function Child({ actor }: { actor: Lobby }) {
  const [heard, setHeard] = useState(0);
  actor.useEvent("line", () => setHeard((before) => before + 1));
  return <p className="heard">{heard}</p>;
}

/** Shows what is thrown below it, and starts again when it is clicked. */
class Catch extends Component<{ id: string; children: ReactNode }, { thrown: ActorError | null }> {
  override state: { thrown: ActorError | null } = { thrown: null };

  static getDerivedStateFromError(thrown: ActorError) {
    return { thrown };
  }

  override render() {
    const { thrown } = this.state;
    if (thrown === null) return this.props.children;
    const again = () => this.setState({ thrown: null });
    return (
      <button
        type="button"
        id={this.props.id}
        data-status="failed"
        data-error={`${thrown.group}.${thrown.code}`}
        onClick={again}
      />
    );
  }
}
