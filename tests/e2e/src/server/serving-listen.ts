/** A program whose registry is a web server, with the settings of its environment. */
import { actor, setup } from "greenroom";

const counter = actor({ state: { n: 0 }, actions: { add: (c, by: number): number => (c.state.n += by) } });
export const registry = setup({ use: { counter }, startEngine: false, envoy: { version: 2 } });
// The banner says that it serves.
await registry.listen();
