/** A soak as a page to read. */

import type { Finding, Verdict } from "./judgement.js";
import type { Sample } from "./sample.js";

/** Everything about one soak. */
export interface Soak {
  readonly began: string;
  readonly runtime: string;
  readonly machine: string;
  readonly seconds: number;
  readonly operations: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly samples: readonly Sample[];
}

const MB = 2 ** 20;

/** The page, in Markdown. */
export function page(soak: Soak): string {
  const isFlat = soak.findings.every(({ verdict }) => verdict !== "grown");
  const operations = Object.entries(soak.operations).map(([name, count]) => `${name} ${count}`);
  return `# Soak of ${soak.began}

${Math.round(soak.seconds / 60)} minutes on ${soak.runtime}, ${soak.machine}. **${isFlat ? "Nothing grew" : "Something grew"}.**
Every answer and all final states were right. Operations: ${operations.join(", ")}.

| figure | second fifth | last fifth | bound | |
|---|---:|---:|---:|---|
${soak.findings.map(findingRow).join("\n")}

Medians, if nothing else is said. "live" is a durable action over a WebSocket, "http" one over HTTP. "Disturbed" is a time beyond its bound
while other programs had more than a quarter of the processors, or the disk was slower than before for everybody: it
says nothing of the server.

| minute | memory MB | store's tables | its cache | native MB | heap MB | store's files | sockets | awake | data MB | CPU µs/op | live p50 ms | live p99 ms | http p50 ms | others % | sync ms |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${minuteRows(soak.samples).join("\n")}
`;
}

const VERDICTS: Readonly<Record<Verdict, string>> = { flat: "", grown: "**GROWN**", disturbed: "disturbed" };

function findingRow({ what, unit, early, late, bound, verdict }: Finding): string {
  const figure = (value: number) => `${value.toFixed(1)} ${unit}`.trim();
  const most = bound === undefined ? "–" : figure(bound);
  return `| ${what} | ${figure(early)} | ${figure(late)} | ${most} | ${VERDICTS[verdict]} |`;
}

/** A row for the last sample of each minute. */
function minuteRows(samples: readonly Sample[]): string[] {
  const rows: string[] = [];
  let before: Sample | undefined;
  for (const [index, sample] of samples.entries()) {
    const minute = Math.floor(sample.at / 60);
    const next = samples[index + 1];
    if (next !== undefined && Math.floor(next.at / 60) === minute) continue;
    rows.push(minuteRow(minute, sample, before));
    before = sample;
  }
  return rows;
}

function minuteRow(minute: number, sample: Sample, before: Sample | undefined): string {
  const operations = sample.operations - (before?.operations ?? 0);
  const cpu = (1_000 * (sample.cpu - (before?.cpu ?? 0))) / Math.max(1, operations);
  const { live, http } = sample.latency;
  const cells = [
    String(minute),
    (sample.resident / MB).toFixed(0),
    (sample.tables / MB).toFixed(0),
    (sample.cache / MB).toFixed(0),
    sample.native === undefined ? "–" : (sample.native / MB).toFixed(1),
    (sample.heap / MB).toFixed(1),
    String(sample.storeFiles),
    String(sample.sockets),
    String(sample.awake),
    (sample.data / MB).toFixed(1),
    cpu.toFixed(0),
    milliseconds(live?.p50),
    milliseconds(live?.p99),
    milliseconds(http?.p50),
    (100 * sample.others).toFixed(0),
    milliseconds(sample.sync),
  ];
  return `| ${cells.join(" | ")} |`;
}

const milliseconds = (value: number | undefined) => value?.toFixed(1) ?? "–";
