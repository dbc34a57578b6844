/** Numbers for what user code is called as: an action, a hook. The native core learns their names. */

/** Numbers below this are kinds of events (`host/records.ts`), and their own labels. */
const FIRST = 64;

const names: string[] = Array.from({ length: FIRST }, () => "");
const known = new Map<string, number>();

/** What the host runs besides actions. The native core learns names before anything runs. */
const HOOKS = [
  "onMigrate",
  "createState",
  "migrateState",
  "createVars",
  "onCreate",
  "onWake",
  "run",
  "onSleep",
  "onDestroy",
  "onStateChange",
  "onBeforeConnect",
  "createConnState",
  "onConnect",
  "onDisconnect",
  "onRequest",
  "onWebSocket",
  "canSubscribe",
  "canPublish",
  "setTimeout",
  "setInterval",
] as const;

/** The name of a hook. */
export type HookName = (typeof HOOKS)[number];

/** The label of a hook. */
export const hookLabel = (name: HookName): number => labelOf(name);

/** The label of an action. */
export function labelOf(name: string): number {
  let label = known.get(name);
  if (label === undefined) {
    label = names.push(name) - 1;
    known.set(name, label);
  }
  return label;
}

for (const name of HOOKS) labelOf(name);

/** The names of all labels so far, by number; those of kinds of events are empty. */
export function labelNames(): string[] {
  return [...names];
}
