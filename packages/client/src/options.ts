/** The types that options may have, as `typeof` says; `any` for everything. */
export type OptionTypes = Readonly<
  Record<string, "any" | "boolean" | "function" | "number" | "object" | "string">
>;

/** The name that an option has elsewhere in the client, which is what people mix up. */
const MEANT: Readonly<Record<string, string>> = {
  createInRegion: "region",
  createWithInput: "input",
  input: "createWithInput",
  region: "createInRegion",
};

/**
 * Checks names and types of options, and that numbers are not negative, which JavaScript programs and spread objects get past the compiler.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function checkOptions(given: object, types: OptionTypes): void {
  if (typeof given !== "object") throw new TypeError(`options are an object, not a ${typeof given}`);
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (type === undefined) {
      const meant = MEANT[name] ?? "";
      const known = meant in types ? `use \`${meant}\`` : `there are ${Object.keys(types).join(", ")}`;
      throw new TypeError(`unknown option \`${name}\`: ${known}`);
    }
    const found = value === null ? "null" : typeof value;
    if (value !== undefined && type !== "any" && found !== type) {
      throw new TypeError(`option \`${name}\` is ${found}, not ${type}`);
    }
    if (found === "number" && !((value as number) >= 0)) {
      throw new TypeError(`option \`${name}\` is ${value}, not 0 or more`);
    }
  }
}

/** Options of every handle. */
export const GET_OPTIONS = {
  params: "any",
  getParams: "function",
  signal: "object",
  skipReadyWait: "boolean",
} satisfies OptionTypes;

/** Options of a handle that may create its actor. */
export const GET_OR_CREATE_OPTIONS = {
  ...GET_OPTIONS,
  createWithInput: "any",
  createInRegion: "string",
  poolName: "string",
} satisfies OptionTypes;
