import { type Client, type ClientConfig, createClient as create, type RegistryLike } from "@greenroom/client";
import { endWithSuite } from "./leftovers.js";

/** A client as users make it. One that no test disposes, because it failed, does not outlive the suite. */
export function createClient<Registry extends RegistryLike = RegistryLike>(
  config?: string | ClientConfig,
): Client<Registry> {
  const client = create<Registry>(config);
  endWithSuite(() => client.dispose());
  return client;
}
