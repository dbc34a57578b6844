/**
 * Browsers: no environment, and requests fail without saying why. These functions have no body so that bundlers can
 * drop their calls, and with them all that is passed.
 */
export { loadWebSocket } from "./global.js";

/** Nothing: there is no environment. */
export function env(_one: string, _other?: string, _third?: string): undefined {}

/** Unknown. */
export function wasLostMidway(_cause: unknown): undefined {}

/** Unknown. */
export function wasNeverSent(_cause: unknown): undefined {}
