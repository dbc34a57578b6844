/** `greenroom/client`: the same as `@greenroom/client`. */
export * from "@greenroom/client";
