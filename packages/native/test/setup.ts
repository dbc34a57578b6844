/** What the tests and the programs that they run share. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NativeRegistry, type StartedInfo } from "@greenroom/native";
import { CountingHost } from "./host.js";

/** A valid configuration with these fields changed. */
export function config(changes: Record<string, unknown>): string {
  const options = {
    sleepTimeout: null,
    actionTimeout: 60000,
    weightWarning: null,
    sleepGracePeriod: 5000,
    stateSaveInterval: 1000,
    startTimeout: 5000,
    wantsRequest: false,
    noticesDepartures: false,
    maxKvSize: 1048576,
    maxConnectionBacklog: 1048576,
    resume: null,
    maxCallRecords: 1000,
    maxCallRecordsSize: 1048576,
    callRecordTimeout: 600000,
    guardedEvents: [],
    crashPolicy: "sleep",
  };
  return JSON.stringify({
    version: "0.0.0",
    host: "127.0.0.1",
    port: 0,
    namespace: "default",
    logLevel: "error",
    maxIncomingMessageSize: 65536,
    maxOutgoingMessageSize: 1048576,
    maxRequestBodySize: 20971520,
    staticDir: null,
    token: null,
    development: true,
    allowedHosts: [],
    allowedOrigins: null,
    authTimeout: null,
    rateLimit: null,
    trustedProxies: 0,
    blockedAfter: null,
    workers: 1,
    actors: [{ name: "counter", display: { name: null, icon: null }, options }],
    ...changes,
  });
}

/** A registry with counting actors that serves. */
export interface Running {
  registry: NativeRegistry;
  host: CountingHost;
  info: StartedInfo;
}

export async function run(dataDir: string): Promise<Running> {
  const registry = new NativeRegistry(config({ dataDir }));
  const host = new CountingHost();
  host.attach(registry);
  return { registry, host, info: listening(await registry.start(host.wake)) };
}

/** Where a registry listens that was told to. */
export function listening(info: StartedInfo | null): StartedInfo {
  if (info === null) throw new Error("the registry listens nowhere");
  return info;
}

/** Calls an action of the counter `key` and returns the body of the answer. */
export async function call(url: string, key: string, action: string): Promise<unknown> {
  const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}`;
  const response = await fetch(`${url}/gateway/counter/action/${action}?${query}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-rivet-encoding": "json" },
    body: '{"args":[]}',
  });
  return response.json();
}

/** Runs `use` with a directory that is gone afterwards. */
export async function inDirectory(use: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), "greenroom-native-"));
  try {
    await use(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
