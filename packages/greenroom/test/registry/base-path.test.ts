import assert from "node:assert/strict";
import { test } from "node:test";
import { belowBasePath, ownPath } from "../../dist/registry/base-path.js";

test("targets are paths or URLs, and a path names no host however it begins", () => {
  for (const [target, below, own] of [
    ["/api/rivet/health?a=1", "/health?a=1", "/health?a=1"],
    ["http://anything/api/rivet/health", "/health", "/health"],
    ["//host/api/rivet/health", "//host/api/rivet/health", undefined],
    ["//host/gateway/x", "//host/gateway/x", undefined],
    ["//", "//", undefined],
    ["/gateway/x", "/gateway/x", "/gateway/x"],
    ["/elsewhere", "/elsewhere", undefined],
  ] as const) {
    assert.equal(belowBasePath(target, undefined), below, target);
    assert.equal(ownPath(target, undefined), own, target);
  }
  for (const target of ["*", "nowhere", ""]) {
    assert.equal(ownPath(target, undefined), undefined, target);
    assert.throws(() => belowBasePath(target, undefined), TypeError, target);
  }
});
