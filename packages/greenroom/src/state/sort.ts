import type { ArrayNode } from "./array-node.js";

type Compare = (left: unknown, right: unknown) => number;

/** The indices of the elements of an array in the order that sorting it with `compare` would bring. */
export function orderOf(node: ArrayNode, compare: unknown): number[] {
  if (compare !== undefined && typeof compare !== "function") {
    throw new TypeError("The comparison function must be either a function or undefined");
  }
  const before = node.raw.slice();
  const seen = before.map((value, index) => node.child(value, index));
  const order = compare === undefined ? orderByText(seen) : orderBy(seen, compare as Compare);
  if (
    before.length !== node.raw.length ||
    before.some((value, index) => !Object.is(value, node.raw[index]))
  ) {
    throw new TypeError(`${node.describe()} was changed while it was sorted`);
  }
  return order;
}

function orderBy(values: readonly unknown[], compare: Compare): number[] {
  return sortIndices(values, (left, right) => compare(values[left], values[right]));
}

/** By default, elements are compared as text, by UTF-16 units. */
function orderByText(values: readonly unknown[]): number[] {
  const texts = values.map((value) => (value === undefined ? "" : String(value)));
  return sortIndices(values, (left, right) => {
    const a = texts[left] as string;
    const b = texts[right] as string;
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

/** As native sorting does, `undefined` goes last and is never compared. */
function sortIndices(values: readonly unknown[], compare: (left: number, right: number) => number): number[] {
  const defined: number[] = [];
  const rest: number[] = [];
  values.forEach((value, index) => {
    (value === undefined ? rest : defined).push(index);
  });
  defined.sort(compare);
  return defined.concat(rest);
}
