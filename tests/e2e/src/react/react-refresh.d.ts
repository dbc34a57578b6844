/** What the page uses of `react-refresh`, which has no types. */
declare module "react-refresh/runtime" {
  type Component = (props: never) => unknown;
  export function injectIntoGlobalHook(global: object): void;
  export function register(component: Component, id: string): void;
  export function setSignature(component: Component, key: string, forceReset?: boolean): void;
  export function performReactRefresh(): unknown;
}
