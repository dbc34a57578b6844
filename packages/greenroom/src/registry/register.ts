/**
 * What a program tells the types of this package once, for all of its actors:
 *
 * ```ts
 * declare module "greenroom" {
 *   interface Register {
 *     auth: { uid: string };
 *   }
 * }
 * ```
 *
 * `auth` is what `onAuth` of `setup(...)` gives. It cannot be inferred, because actors are defined before the registry.
 */
// biome-ignore lint/suspicious/noEmptyInterface: programs add to it
export interface Register {}
