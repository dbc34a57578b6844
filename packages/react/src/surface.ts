import type { ActorConn, ActorHandle, Client, DefinitionNamed, EventsOf, Listen } from "@greenroom/client";
import type {
  ActorNames,
  ActorSnapshot,
  ConnectedActor,
  ObserveOptions,
  UnconnectedActor,
} from "@greenroom/client/observer";

/** Options of `useActor`. */
export type ActorOptions<Registry, Name extends ActorNames<Registry>> = ObserveOptions<Registry, Name>;

/** Options of `useSuspenseActor`: those of `useActor`, for an actor that is wanted in any case. */
export type SuspenseActorOptions<Registry, Name extends ActorNames<Registry>> = Omit<
  ActorOptions<Registry, Name>,
  "enabled"
>;

/** What `useActor` gives, whatever the state of the connection. */
export interface ActorHook<Registry, Name extends ActorNames<Registry>> {
  /** The same for components that share a connection. */
  readonly hash: string;
  /** The options of this rendering, with `enabled` and `noCreate` filled in. */
  readonly opts: ActorOptions<Registry, Name>;
  /**
   * A hook: calls the newest `handler` for each event of a name, for as long as the component is there. To be called in
   * every rendering, like any hook.
   */
  readonly useEvent: Listen<EventsOf<DefinitionNamed<Registry, Name>>, void>;
}

/** What `useActor` gives. Where `isConnected` is true, `handle` and `connection` are there. */
export type UseActor<Registry, Name extends ActorNames<Registry>> = ActorSnapshot<
  DefinitionNamed<Registry, Name>
> &
  ActorHook<Registry, Name>;

/** What `useSuspenseActor` gives: `handle` and `connection` are there, also between two sockets. */
export type UseSuspenseActor<Registry, Name extends ActorNames<Registry>> = (
  | ConnectedActor<DefinitionNamed<Registry, Name>>
  | (UnconnectedActor<DefinitionNamed<Registry, Name>> & {
      readonly handle: ActorHandle<DefinitionNamed<Registry, Name>>;
      readonly connection: ActorConn<DefinitionNamed<Registry, Name>>;
    })
) &
  ActorHook<Registry, Name>;

/** The hooks for the actors of a registry. */
export interface Greenroom<Registry> {
  /**
   * Connects to an actor for as long as the component is there, and renders it anew when the connection changes.
   * Components that ask for the same actor with the same parameters share one connection.
   *
   * It never throws: what goes wrong is `error`.
   */
  useActor<Name extends ActorNames<Registry>>(
    options: ActorOptions<Registry, Name>,
  ): UseActor<Registry, Name>;
  /**
   * As `useActor`, but the component waits (`<Suspense>` shows its fallback) until there is a connection. When the first
   * attempt fails, it throws the `ActorError`, for an error boundary.
   */
  useSuspenseActor<Name extends ActorNames<Registry>>(
    options: SuspenseActorOptions<Registry, Name>,
  ): UseSuspenseActor<Registry, Name>;
  /**
   * The client that the hooks use, for calls outside of components.
   *
   * @throws TypeError when it could not be made because the configuration is wrong.
   */
  readonly client: Client<Registry>;
}
