import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { version } from "@greenroom/native";
import { load } from "../dist/addon.js";

function inFolder(check: (folder: URL, path: string) => void): void {
  const path = mkdtempSync(join(tmpdir(), "greenroom-native-"));
  try {
    check(pathToFileURL(`${path}/`), path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

test("the addon of this platform loads", () => {
  assert.match(version(), /^\d+\.\d+\.\d+/);
});

test("a missing file is named together with the platform and the remedy", () => {
  inFolder((folder, path) => {
    assert.throws(() => load("linux-arm64", folder), {
      code: "native_missing",
      message: new RegExp(`linux-arm64 is missing.*${path}.*greenroom.linux-arm64.node.*cargo xtask build`),
    });
  });
});

test("a platform that there is no core for is named", () => {
  inFolder((folder) => {
    assert.throws(() => load("aix-ppc64", folder), {
      code: "native_missing",
      message: /no native core for aix-ppc64/,
    });
  });
});

test("a file that is no addon is an error that names the file", () => {
  inFolder((folder, path) => {
    writeFileSync(join(path, "greenroom.linux-x64.node"), "this is no shared library");
    assert.throws(() => load("linux-x64", folder), {
      code: "native_unusable",
      message: /cannot be loaded from .*node/,
    });
  });
});
