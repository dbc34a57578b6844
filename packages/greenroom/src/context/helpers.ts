/**
 * Context types of a definition, for helper functions outside of it: `function add(c: ActionContextOf<typeof room>)`.
 */
import type { TypesOf } from "@greenroom/client/types";
import type { DefinitionTypes } from "../definition/config.js";
import type {
  ActorContext,
  ConnContext,
  ConnInitContext,
  CreateStateContext,
  CreateVarsContext,
  MigrateContext,
  RequestContext,
  RunContext,
  WebSocketContext,
} from "./contexts.js";

type AnyTypes = DefinitionTypes<
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown,
  unknown
>;
type Known<Definition> = TypesOf<Definition> extends infer Types extends AnyTypes ? Types : never;
/** The keys alone: TypeScript must not look into the actions here, because they may call helper functions themselves. */
type ActionNamesOf<Definition> = keyof Known<Definition>["actions"] & string;

/** What hooks have that are about the actor as a whole. */
export type ActorContextOf<Definition> = ActorContext<
  Known<Definition>["state"],
  Known<Definition>["vars"],
  Known<Definition>["checkedParams"],
  Known<Definition>["connState"],
  Known<Definition>["sentEvents"],
  ActionNamesOf<Definition>,
  Known<Definition>["queues"],
  Known<Definition>["actions"]
>;

/** What `run` has. */
export type RunContextOf<Definition> = RunContext<
  Known<Definition>["state"],
  Known<Definition>["vars"],
  Known<Definition>["checkedParams"],
  Known<Definition>["connState"],
  Known<Definition>["sentEvents"],
  ActionNamesOf<Definition>,
  Known<Definition>["queues"],
  Known<Definition>["actions"]
>;

/** What hooks and actions have that are about one connection. */
export type ConnContextOf<Definition> = ConnContext<
  Known<Definition>["state"],
  Known<Definition>["vars"],
  Known<Definition>["checkedParams"],
  Known<Definition>["connState"],
  Known<Definition>["sentEvents"],
  ActionNamesOf<Definition>,
  Known<Definition>["queues"],
  Known<Definition>["actions"]
>;

/** What hooks have that decide about a connection. */
export type ConnInitContextOf<Definition> = ConnInitContext<
  Known<Definition>["state"],
  Known<Definition>["vars"]
>;

/** What actions have. */
export type ActionContextOf<Definition> = ConnContextOf<Definition>;
/** What `onBeforeActionResponse` has. */
export type BeforeActionResponseContextOf<Definition> = ConnContextOf<Definition>;
/** What `onConnect` has. */
export type ConnectContextOf<Definition> = ConnContextOf<Definition>;
/** What `onDisconnect` has. */
export type DisconnectContextOf<Definition> = ConnContextOf<Definition>;
/** What `onBeforeConnect` has. */
export type BeforeConnectContextOf<Definition> = ConnInitContextOf<Definition>;
/** What `createConnState` has. */
export type CreateConnStateContextOf<Definition> = ConnInitContextOf<Definition>;
/** What `onMigrate` has. */
export type MigrateContextOf<_Definition> = MigrateContext;
/** What `createState` has. */
export type CreateStateContextOf<_Definition> = CreateStateContext;
/** What `createVars` has. */
export type CreateVarsContextOf<Definition> = CreateVarsContext<Known<Definition>["state"]>;
/** What `onCreate` has. */
export type CreateContextOf<Definition> = ActorContextOf<Definition>;
/** What `onWake` has. */
export type WakeContextOf<Definition> = ActorContextOf<Definition>;
/** What `onSleep` has. */
export type SleepContextOf<Definition> = ActorContextOf<Definition>;
/** What `onDestroy` has. */
export type DestroyContextOf<Definition> = ActorContextOf<Definition>;
/** What `onStateChange` has. */
export type StateChangeContextOf<Definition> = ActorContextOf<Definition>;
/** What `onRequest` has. */
export type RequestContextOf<Definition> = RequestContext<
  Known<Definition>["state"],
  Known<Definition>["vars"],
  Known<Definition>["checkedParams"],
  Known<Definition>["connState"],
  Known<Definition>["sentEvents"],
  ActionNamesOf<Definition>,
  Known<Definition>["queues"],
  Known<Definition>["actions"]
>;
/** What `onWebSocket` has. */
export type WebSocketContextOf<Definition> = WebSocketContext<
  Known<Definition>["state"],
  Known<Definition>["vars"],
  Known<Definition>["checkedParams"],
  Known<Definition>["connState"],
  Known<Definition>["sentEvents"],
  ActionNamesOf<Definition>,
  Known<Definition>["queues"],
  Known<Definition>["actions"]
>;
