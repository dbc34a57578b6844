/** `greenroom`: define actors, serve them. */
export { ActorError, RivetError } from "@greenroom/client/errors";
export type { StartedInfo } from "@greenroom/native";
export type { Conn, SendEvent } from "./context/conn.js";
export type {
  ActorContext,
  ActorTimer,
  BaseContext,
  ConnContext,
  ConnInitContext,
  CreateStateContext,
  CreateVarsContext,
  MigrateContext,
  RunContext,
  SaveStateOptions,
  StartTimer,
} from "./context/contexts.js";
export type { GuardContext } from "./context/guard.js";
export type {
  ActionContextOf,
  ActorContextOf,
  BeforeActionResponseContextOf,
  BeforeConnectContextOf,
  ConnContextOf,
  ConnectContextOf,
  ConnInitContextOf,
  CreateConnStateContextOf,
  CreateContextOf,
  CreateStateContextOf,
  CreateVarsContextOf,
  DestroyContextOf,
  DisconnectContextOf,
  MigrateContextOf,
  RequestContextOf,
  RunContextOf,
  SleepContextOf,
  StateChangeContextOf,
  WakeContextOf,
  WebSocketContextOf,
} from "./context/helpers.js";
export type {
  Kv,
  KvKey,
  KvKeys,
  KvKeyType,
  KvListOptions,
  KvValue,
  KvValueOptions,
  KvValues,
  KvValueType,
} from "./context/kv.js";
export type {
  ActorQueue,
  BatchOptions,
  CompletableMessage,
  QueueMessage,
  ReceivedMessage,
  ReceiveOptions,
  WaitOptions,
} from "./context/queue.js";
export type {
  Cron,
  CronJob,
  CronOptions,
  CronRun,
  EveryOptions,
  FireInfo,
  JobOptions,
  Schedule,
  ScheduledCall,
  Target,
} from "./context/schedule.js";
export type {
  Action,
  ActionFor,
  ActionSettings,
  ActionTree,
  CallableActions,
  CheckedAction,
  ConfiguredAction,
} from "./definition/action.js";
export { actor } from "./definition/actor.js";
export type { Concurrency } from "./definition/concurrency.js";
export type {
  ActorConfig,
  ActorDefinition,
  DefinitionTypes,
  NamedActions,
  RunHook,
  TypeHints,
} from "./definition/config.js";
export type { Durability } from "./definition/durability.js";
export {
  type EventArgs,
  type EventArgsMap,
  type EventDefinition,
  type EventMap,
  type EventOptions,
  type EventSentMap,
  event,
  type SubscribeGuard,
  type WhenSlow,
} from "./definition/event.js";
export type { ActionInputSchemas, SchemaInput, SchemaOutput } from "./definition/input-schemas.js";
export type { MigrateStateContext, MigrationStep, MigrationSteps } from "./definition/migration.js";
export type { ActorOptions, CrashPolicy } from "./definition/options.js";
export {
  type PublishGuard,
  type QueueDefinition,
  type QueueMap,
  type QueueOptions,
  queue,
} from "./definition/queue.js";
export type { ResumeOptions } from "./definition/resume.js";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./definition/standard-schema.js";
export type { BaseLogger, Logger, LogLevel, LogMethod } from "./log.js";
export type { ActorDefinitions, RateLimitOptions, RegistryConfig } from "./registry/config.js";
export type { ForeignOptions } from "./registry/foreign-options.js";
export type { AuthData, AuthIntent, AuthRequest, OnAuth } from "./registry/on-auth.js";
export type { Register } from "./registry/register.js";
export { setup } from "./registry/registry.js";
export type { FetchHandler, ListenOptions, Registry, RegistryRoutes } from "./registry/surface.js";
export {
  type AccessErrorOptions,
  Forbidden,
  Unauthorized,
  UserError,
  type UserErrorOptions,
} from "./user-error.js";
export type { WorkersOptions } from "./workers/options.js";
