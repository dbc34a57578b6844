/** Tables of Markdown documents. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** One row of a table, without its head. */
export type Row = readonly string[];

/** The text of a document below one of its headings, up to the next heading of any level. */
export async function sectionOf(document: string, heading: string): Promise<string> {
  const text = await readFile(join(ROOT, document), "utf8");
  const [, rest] = text.split(new RegExp(`^#{1,6} ${heading}$`, "m"));
  if (rest === undefined) throw new Error(`${document} has no heading \`${heading}\``);
  return rest.split(/^#{1,6} /m)[0] ?? "";
}

/** The rows of all tables in a text. A `|` inside a cell is written `\|`. */
export function rowsOf(text: string): Row[] {
  const tables = text.split("\n\n").filter((part) => part.startsWith("|"));
  return tables.flatMap((table) => {
    const lines = table.trim().split("\n").slice(2);
    return lines.map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
  });
}

/** What stands in backticks in a cell. */
export function namesIn(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}
