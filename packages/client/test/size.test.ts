import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** What a page downloads for `createClient`, minified and compressed, in bytes: calls, connections, events, errors. */
const LIMIT = 12_000;

const dist = fileURLToPath(new URL("../dist/", import.meta.url));

interface Bundle {
  readonly size: number;
  readonly minified: number;
  /** The modules inside, by path, and their minified sizes. */
  readonly modules: ReadonlyMap<string, number>;
  /** The modules that are loaded when they are needed, by absolute path. */
  readonly lazy: ReadonlySet<string>;
  readonly imports: readonly string[];
}

/**
 * Bundles what `contents` loads at once. What it imports dynamically is left out, as bundlers make a file of its own
 * of it; so is what the page has already, which Rollup, Vite and webpack never load twice.
 */
async function bundle(contents: string, present: (path: string) => boolean = () => false): Promise<Bundle> {
  const lazy = new Set<string>();
  const split: Plugin = {
    name: "split",
    setup(hooks) {
      hooks.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        const absolute = join(resolveDir, path);
        if (kind === "dynamic-import") lazy.add(absolute);
        else if (!present(absolute)) return undefined;
        // Not the absolute path: that of this checkout would count.
        return { path: `./${absolute.slice(dist.length)}`, external: true };
      });
    },
  };
  const outside = (path: string): boolean => {
    const absolute = join(dist, path);
    return !present(absolute) && !lazy.has(absolute);
  };
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: dist },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
    absWorkingDir: dist,
    plugins: [split],
  });
  const file = outputFiles[0];
  const output = Object.values(metafile.outputs)[0];
  assert.ok(file && output, "there is a bundle");
  return {
    size: gzipSync(file.contents, { level: 9 }).length,
    minified: file.contents.length,
    modules: new Map(
      Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [join(dist, path), bytesInOutput]),
    ),
    lazy,
    imports: output.imports.map(({ path }) => path).filter(outside),
  };
}

test(`a page downloads at most ${LIMIT} bytes of this package`, async (t) => {
  const page = await bundle('export { createClient } from "@greenroom/client";');
  assert.ok(page.minified > 20_000, "the bundle holds the client");
  t.diagnostic(`${page.size} bytes compressed, ${page.minified} minified`);
  for (const path of page.lazy) {
    const later = await bundle(`export * from ${JSON.stringify(path)};`, (module) =>
      page.modules.has(module),
    );
    t.diagnostic(`${path.slice(dist.length)} when needed: ${later.size} bytes compressed`);
    assert.ok(!page.modules.has(path), `${path} is also loaded at once`);
    assert.deepEqual(later.imports, []);
  }
  const largest = [...page.modules].sort(([, one], [, other]) => other - one);
  const list = largest.map(([path, size]) => `${size} ${path.slice(dist.length)}`);
  assert.ok(
    page.size <= LIMIT,
    `${page.size} bytes, limit is ${LIMIT}; minified, by file:\n${list.join("\n")}`,
  );
  // Nothing that only Node has, and nothing of other packages.
  assert.deepEqual(page.imports, []);
  assert.ok(list.every((line) => !line.includes("node_modules/")));
});

test("what a page needs rarely is loaded when it is needed", async () => {
  const page = await bundle('export { createClient } from "@greenroom/client";');
  const later = [...page.lazy].map((path) => path.slice(dist.length));
  assert.deepEqual(later.sort(), [
    "codec/complete.js",
    "connection/item-stream.js",
    "connection/resumption.js",
    "connection/sse-socket.js",
    "input.js",
    "management.js",
    "protocol/error-response.js",
    "protocol/named-formats.js",
    "protocol/queue-send.js",
    "raw.js",
    "repeats/index.js",
    "stateless/index.js",
  ]);
});
