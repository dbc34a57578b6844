/** The unmodified npm package `rivetkit/client`, as far as the suites use it. Its own types do not compile. */

import { endWithSuite } from "./leftovers.js";

/** What can call actions. */
export interface RivetCallee {
  action(call: {
    readonly name: string;
    readonly args: readonly unknown[];
    readonly signal?: AbortSignal;
  }): Promise<unknown>;
}

/** A handle to an actor. */
export interface RivetHandle extends RivetCallee {
  connect(): RivetCallee & { dispose(): Promise<void> };
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  webSocket(path?: string): Promise<WebSocket>;
  getGatewayUrl(): Promise<string>;
}

/** A client. */
export interface RivetClient {
  getOrCreate(name: string, key: readonly string[]): RivetHandle;
  dispose(): Promise<void>;
}

/** Makes a client of the unmodified package. */
export async function createRivetClient(url: string, options: object = {}): Promise<RivetClient> {
  const name: string = "rivetkit/client";
  const { createClient } = (await import(name)) as { createClient(config: object): RivetClient };
  const client = createClient({ endpoint: url, ...options });
  endWithSuite(() => client.dispose());
  return client;
}
