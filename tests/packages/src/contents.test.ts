/** What is in the tarballs: everything that belongs there, and nothing else. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { before, describe, test } from "node:test";
import { run } from "./program.js";
import {
  isPlatformPackage,
  PLATFORM_PACKAGE,
  ROOT,
  type Tarball,
  type Targets,
  tarballs,
} from "./tarball.js";

/** What may be in a package with code. */
const PLACES = [
  /^(package\.json|README\.md|LICENSE)$/,
  /^dist\/.+\.(js|js\.map|d\.ts|d\.ts\.map)$/,
  /^src\/.+\.tsx?$/,
];
/** What may be in a package with an addon. */
const PLATFORM_PLACES = [
  /^(package\.json|README\.md|LICENSE|THIRD-PARTY-LICENSES\.txt)$/,
  /^greenroom\.node$/,
];

const BIN = join(ROOT, "tests/packages/tools/node_modules/.bin");

let all: Tarball[];
before(async () => {
  all = await tarballs();
});

/** A check of every package, which names the package that fails it. */
function each(title: string, check: (tarball: Tarball) => void | Promise<void>, kind?: "code"): void {
  test(title, async (t) => {
    for (const tarball of all.filter((one) => kind === undefined || !isPlatformPackage(one))) {
      await t.test(tarball.name, () => check(tarball));
    }
  });
}

test("every package of the repository that is not private is there, with one for this platform", async () => {
  const names = all.map(({ name }) => name);
  for (const name of ["greenroom", "@greenroom/client", "@greenroom/native", PLATFORM_PACKAGE]) {
    assert.ok(names.includes(name), `${name} is missing among ${names.join(" ")}`);
  }
  const native = all.find(({ name }) => name === "@greenroom/native");
  assert.deepEqual(
    Object.keys(native?.manifest.optionalDependencies ?? {}).sort(),
    all.filter(isPlatformPackage).map(({ name }) => name),
  );
});

each("it is made of what is built now", async (tarball) => {
  for (const [path, packed] of tarball.files) {
    const source = sourceOf(tarball, path);
    if (source === undefined) continue;
    const built = await readFile(source).catch(() => undefined);
    assert.ok(built?.equals(packed), `${source} has changed; run \`cargo xtask dist npm\``);
  }
});

each("no file is in a place where it does not belong", (tarball) => {
  const places = isPlatformPackage(tarball) ? PLATFORM_PLACES : PLACES;
  const misplaced = [...tarball.files.keys()].filter(
    (path) => !places.some((place) => place.test(path)) || /\.test\.|(^|\/)tests?\/.*\.test/.test(path),
  );
  assert.deepEqual(misplaced, []);
});

each("a README and the licence are there", async ({ files, name }) => {
  assert.equal(files.get("LICENSE")?.toString(), await readFile(join(ROOT, "LICENSE"), "utf8"));
  const readme = files.get("README.md")?.toString() ?? "";
  assert.ok(readme.startsWith(`# ${name}\n`), readme.slice(0, 80));
  assert.ok(!readme.includes("](../"), "it has links that lead nowhere outside the repository");
});

test("the licences of what is in the addon come with it", () => {
  const addon = all.find(({ name }) => name === PLATFORM_PACKAGE);
  const notices = addon?.files.get("THIRD-PARTY-LICENSES.txt")?.toString() ?? "";
  for (const name of ["tokio", "fjall", "hyper", "napi"]) {
    assert.match(notices, new RegExp(`^- ${name} \\d[^:]*: .*(MIT|Apache-2.0)`, "m"));
  }
  assert.ok(notices.includes("Permission is hereby granted, free of charge"));
  assert.doesNotMatch(notices, /^- (greenroom|proptest)/m);
});

each("the manifest is complete and has nothing that only the repository needs", ({ manifest }) => {
  assert.equal(manifest.license, "Apache-2.0");
  assert.equal(manifest.engines?.node, ">=20");
  assert.equal(manifest.publishConfig?.access, "public");
  assert.equal(manifest.scripts, undefined);
  assert.equal(manifest.devDependencies, undefined);
});

each(
  "nothing happens on import, and every path of the manifest leads to a file",
  ({ manifest, files }) => {
    assert.equal(manifest.sideEffects, false);
    assert.equal(manifest.type, "module");
    const paths = [...leaves(manifest.exports ?? {}), ...leaves(manifest.imports ?? {})];
    assert.ok(paths.length > 0);
    for (const path of paths) assert.ok(files.has(posix.normalize(path)), path);
  },
  "code",
);

each(
  "source maps lead to sources that are there",
  ({ files }) => {
    for (const [path, bytes] of files) {
      if (!path.endsWith(".map")) continue;
      const { sources } = JSON.parse(bytes.toString()) as { readonly sources: readonly string[] };
      for (const source of sources) assert.ok(files.has(posix.join(posix.dirname(path), source)), path);
    }
  },
  "code",
);

each(
  "code imports only what the manifest declares",
  ({ name, manifest, files }) => {
    const declared = new Set([
      name,
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.peerDependencies ?? {}),
      ...Object.keys(manifest.imports ?? {}),
    ]);
    for (const [path, bytes] of files) {
      if (!/^dist\/.*\.(js|d\.ts)$/.test(path)) continue;
      const imports = bytes
        .toString()
        .matchAll(/(?:^(?:import|export)[^;]*?from |\bimport\()"([^".][^"]*)"/gm);
      for (const [, specifier = ""] of imports) {
        const [first = "", second = ""] = specifier.split("/");
        const used = first.startsWith("@") ? `${first}/${second}` : first;
        const known = used.startsWith("node:") ? builtinModules.includes(used.slice(5)) : declared.has(used);
        assert.ok(known, `${path} imports ${specifier}`);
      }
    }
  },
  "code",
);

describe("publint and attw find nothing", () => {
  each("publint", async ({ path }) => {
    await run(join(BIN, "publint"), ["--strict", path], { cwd: ROOT });
  });
  // Modules only: what `require` of old versions would find is nobody's business.
  each(
    "attw",
    async ({ path }) => {
      await run(join(BIN, "attw"), ["--profile", "esm-only", "--format", "ascii", path], { cwd: ROOT });
    },
    "code",
  );
});

/** The file of the repository that a packed file is a copy of; undefined for one that packing makes. */
function sourceOf(tarball: Tarball, path: string): string | undefined {
  if (isPlatformPackage(tarball)) {
    const built = `packages/native/greenroom.${process.platform}-${process.arch}.node`;
    return tarball.name === PLATFORM_PACKAGE && path === "greenroom.node" ? join(ROOT, built) : undefined;
  }
  const folder = tarball.name.replace("@greenroom/", "");
  return path === "package.json" || path === "LICENSE" ? undefined : join(ROOT, "packages", folder, path);
}

/** All paths in `exports` or `imports`, whatever their conditions. */
function leaves(targets: Targets): string[] {
  return Object.values(targets).flatMap((target) => (typeof target === "string" ? [target] : leaves(target)));
}
