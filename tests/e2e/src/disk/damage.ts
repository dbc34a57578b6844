/** Damage to the files of a data directory, by seed. */
import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Random } from "../kill/random.js";

const PAGE = 4096;

/** The files below a folder, in order. */
export async function filesBelow(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map((path) => join(folder, path)).sort();
  const stats = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, i) => stats[i]?.isFile());
}

/** Where a file has something else than zeros last, and one byte more. */
async function usedBytes(file: string): Promise<number> {
  const bytes = await readFile(file);
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  return used;
}

/** Damages one file below `folder` in a way of the seed's choosing, and says how. */
export async function damage(folder: string, random: Random): Promise<string> {
  const files = await filesBelow(folder);
  const pick = () => files[random.between(0, files.length)] ?? folder;
  // Most of what is written is in the logs, so they get half of the damage.
  const logs = files.filter((file) => file.endsWith(".jnl"));
  const file = random.oneIn(2) ? (logs[random.between(0, logs.length)] ?? pick()) : pick();
  const name = relative(folder, file);
  const used = await usedBytes(file);
  const place = random.between(0, Math.max(1, used));
  switch (random.between(0, 8)) {
    case 0:
      await truncate(file, place);
      return `${name} cut at ${place} of ${used}`;
    case 1: {
      const from = place - (place % PAGE);
      const pages = random.between(1, 4);
      await change(file, (bytes) => bytes.subarray(from, from + pages * PAGE).fill(0));
      return `${name} with ${pages} pages of zeros at ${from}`;
    }
    case 2:
    case 3:
      await change(file, (bytes) => {
        if (used > 0) bytes[place] = (bytes[place] ?? 0) ^ (1 << random.between(0, 8));
      });
      return `${name} with another bit at ${place} of ${used}`;
    case 4: {
      const number = Number(/(\d+)(\.\w+)?$/.exec(name)?.[1] ?? 0);
      const copy = file.replace(/(\d+)?(\.\w+)?$/, (_, _number, ending = "") => `${number + 1}${ending}`);
      await copyFile(file, copy);
      return `${name} again as ${relative(folder, copy)}`;
    }
    case 5:
      await rm(file);
      return `${name} lost`;
    case 6: {
      const other = pick();
      await copyFile(other, file);
      return `${name} with the bytes of ${relative(folder, other)}`;
    }
    default:
      await change(file, (bytes) => {
        for (let at = place; at < Math.min(used, place + 600); at++) bytes[at] = random.between(0, 256);
      });
      return `${name} with 600 random bytes at ${place} of ${used}`;
  }
}

async function change(file: string, work: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(file);
  work(bytes);
  await writeFile(file, bytes);
}
