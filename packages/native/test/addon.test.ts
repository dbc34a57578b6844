import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { version } from "@greenroom/native";
import { load } from "../dist/addon.js";
import { type Machine, thisMachine } from "../dist/platform.js";

const NO_LIBRARY = "this is no shared library";
const GNU = "@greenroom/native-linux-x64-gnu";

/** A folder as that of `@greenroom/native`, whose published form knows the packages of these platforms. */
function nativeFolder(t: TestContext, published?: readonly string[]): { folder: URL; path: string } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "greenroom-native-")));
  t.after(() => rmSync(path, { recursive: true }));
  const optionalDependencies = published && Object.fromEntries(published.map((name) => [name, "0.1.0"]));
  writeFileSync(
    join(path, "package.json"),
    JSON.stringify({ name: "@greenroom/native", optionalDependencies }),
  );
  return { folder: pathToFileURL(`${path}/`), path };
}

function machine(platform: string, libc?: "glibc" | "musl"): Machine {
  return { platform, libc: () => libc };
}

test("the addon of this platform loads", () => {
  assert.match(version(), /^\d+\.\d+\.\d+/);
});

test("on Linux the C library is known, elsewhere there is none to know", () => {
  const expected = process.platform === "linux" ? /^(glibc|musl)$/ : /^undefined$/;
  assert.match(String(thisMachine.libc()), expected);
});

test("in the repository, a missing file is named together with the platform and the remedy", (t) => {
  const { folder, path } = nativeFolder(t);
  assert.throws(() => load(machine("linux-arm64", "glibc"), folder), {
    code: "native_missing",
    message: new RegExp(`linux-arm64 is missing.*${path}.*greenroom.linux-arm64.node.*cargo xtask build`),
  });
});

test("a platform that there is no core for is named", (t) => {
  const { folder } = nativeFolder(t, [GNU]);
  assert.throws(() => load(machine("aix-ppc64"), folder), {
    code: "native_missing",
    message: /no native core for aix-ppc64; it runs on linux-x64, .*win32-arm64$/,
  });
});

test("a Linux with musl is told to use one with glibc", (t) => {
  const { folder } = nativeFolder(t, [GNU]);
  assert.throws(() => load(machine("linux-x64", "musl"), folder), {
    code: "native_missing",
    message: /no native core for linux-x64 with musl .*; use a system with glibc/,
  });
});

test("a platform that this version came out without is told which there are", (t) => {
  const { folder } = nativeFolder(t, [GNU]);
  assert.throws(() => load(machine("darwin-arm64"), folder), {
    code: "native_missing",
    message: new RegExp(
      `came out without a native core for darwin-arm64, only with ${GNU}; use one of these`,
    ),
  });
});

test("a package that is not installed is named together with what to do", (t) => {
  const { folder, path } = nativeFolder(t, [GNU]);
  assert.throws(() => load(machine("linux-x64", "glibc"), folder), {
    code: "native_missing",
    message: new RegExp(`linux-x64 is missing: ${GNU} is not installed, which ${path}.*install again`),
  });
});

test("a program that has this package in its bundle is told to leave it out", (t) => {
  const { folder, path } = nativeFolder(t);
  const bundle = {
    code: "native_missing",
    message:
      /linux-x64 is missing: this program is a bundle .*no @greenroom\/native-linux-x64-gnu.*--external:greenroom/,
  };
  writeFileSync(join(path, "package.json"), JSON.stringify({ name: "program" }));
  assert.throws(() => load(machine("linux-x64", "glibc"), folder), bundle);
  rmSync(join(path, "package.json"));
  assert.throws(() => load(machine("linux-x64", "glibc"), folder), bundle);
});

test("a file that is no addon is an error that names the file", (t) => {
  const { folder, path } = nativeFolder(t);
  const file = join(path, "greenroom.linux-x64.node");
  writeFileSync(file, NO_LIBRARY);
  assert.throws(() => load(machine("linux-x64", "glibc"), folder), {
    code: "native_unusable",
    message: new RegExp(`for linux-x64 cannot be loaded from ${file}: `),
  });
});

test("the file of the package for this platform is the one that is loaded", (t) => {
  const { folder, path } = nativeFolder(t, [GNU]);
  const installed = join(path, "node_modules", GNU);
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: GNU, main: "greenroom.node" }));
  writeFileSync(join(installed, "greenroom.node"), NO_LIBRARY);
  assert.throws(() => load(machine("linux-x64", "glibc"), folder), {
    code: "native_unusable",
    message: new RegExp(`cannot be loaded from ${join(installed, "greenroom.node")}: `),
  });
});

test("what lies in the folder where a program runs is not loaded", (t) => {
  const { path } = nativeFolder(t, [GNU]);
  const names = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "win32-x64"];
  const bait = join(path, "node_modules", "@greenroom", "native");
  mkdirSync(bait, { recursive: true });
  writeFileSync(join(bait, "package.json"), JSON.stringify({ name: "@greenroom/native", main: "index.js" }));
  writeFileSync(join(bait, "index.js"), "throw new Error('the bait was taken')");
  for (const name of names) {
    writeFileSync(join(path, `greenroom.${name}.node`), NO_LIBRARY);
    for (const libc of ["", "-gnu", "-musl", "-msvc"]) {
      const folder = `${bait}-${name}${libc}`;
      mkdirSync(folder);
      writeFileSync(join(folder, "package.json"), JSON.stringify({ main: "greenroom.node" }));
      writeFileSync(join(folder, "greenroom.node"), NO_LIBRARY);
    }
  }
  const file = import.meta.resolve("@greenroom/native");
  const program = `import { version } from ${JSON.stringify(file)}; console.log(version());`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: path });
  assert.equal(output.toString().trim(), version());
});

test("a native core of another build is told from one that fits", (t) => {
  const { folder, path } = nativeFolder(t, [GNU]);
  const installed = join(path, "node_modules", GNU);
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: GNU, main: "core.cjs" }));
  for (const [core, said] of [
    ["exports.version = () => '9.8.7'", "version 9.8.7, layout unknown"],
    ["exports.version = () => '9.8.7'; exports.layout = () => 4711", "version 9.8.7, layout 4711"],
    ["", "version unknown, layout unknown"],
  ] as const) {
    const file = join(installed, "core.cjs");
    writeFileSync(file, core);
    delete createRequire(import.meta.url).cache[file];
    assert.throws(() => load(machine("linux-x64", "glibc"), folder), {
      code: "native_unusable",
      message: new RegExp(`\\(${said}\\) does not fit @greenroom/native.*same version of all packages`),
    });
  }
});
