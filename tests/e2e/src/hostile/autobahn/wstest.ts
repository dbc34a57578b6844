/** Autobahn's own program, which needs Python 2. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Outcome {
  readonly behavior: string;
  readonly behaviorClose: string;
}

/** Compression is none of what is offered; 9.5 and 9.6 wait for their chops. */
const LEFT_OUT = ["12.2*", "12.3*", "12.4*", "12.5*"];
const FINE = new Set(["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"]);

/** Runs `wstest` against a server that echoes. Gives the cases that failed. */
export async function wstest(program: string, url: string): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "greenroom-wstest-"));
  try {
    const outdir = join(directory, "reports");
    const spec = {
      outdir,
      servers: [{ agent: "greenroom", url }],
      cases: ["*"],
      "exclude-cases": LEFT_OUT,
      "exclude-agent-cases": {},
    };
    await writeFile(join(directory, "spec.json"), JSON.stringify(spec));
    const child = spawn(program, ["-m", "fuzzingclient", "-s", join(directory, "spec.json")], {
      cwd: directory,
      stdio: "ignore",
    });
    await once(child, "exit");
    const index = JSON.parse(await readFile(join(outdir, "index.json"), "utf8")) as {
      readonly greenroom: Readonly<Record<string, Outcome>>;
    };
    return Object.entries(index.greenroom)
      .filter(([, { behavior, behaviorClose }]) => !FINE.has(behavior) || !FINE.has(behaviorClose))
      .map(([id, { behavior, behaviorClose }]) => `${id} ${behavior} ${behaviorClose}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
