/** The declarations of all packages compile, by the oldest TypeScript that the documents promise, too. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { TSC } from "./program.js";
import { compile, makeProject, type Project } from "./project.js";
import { readmeFiles } from "./readme.js";
import { entries, isPlatformPackage, ROOT, tarballs } from "./tarball.js";

const tools = createRequire(join(ROOT, "tests/packages/tools/package.json"));
const OLDEST = join(dirname(tools.resolve("typescript-oldest/package.json")), "bin/tsc");

let project: Project;

before(async () => {
  project = await makeProject();
  const code = (await tarballs()).filter((tarball) => !isPlatformPackage(tarball));
  await project.install("npm", ...code.map(({ name }) => name), "react@19", "@types/react@19");
  const exports = code.flatMap(entries).map((name, index) => `export * as e${index} from "${name}";`);
  await project.write("entries.ts", exports.join("\n"));
  for (const [name, text] of await readmeFiles()) await project.write(name, text);
});
after(() => project.remove());

for (const [compiler, tsc] of [
  ["our TypeScript", TSC],
  ["the oldest TypeScript", OLDEST],
] as const) {
  for (const moduleResolution of ["nodenext", "bundler"] as const) {
    test(`every declaration and the README compile with ${compiler} and ${moduleResolution}`, async () => {
      const files = ["entries.ts", ...(await readmeFiles()).keys()];
      assert.ok(files.includes("counter.ts") && files.includes("client.ts"), files.join(" "));
      await compile(project, files, { moduleResolution, tsc, noEmit: true });
    });
  }
}

test("a mistake in the use of a package does not compile", async () => {
  await project.write("mistake.ts", 'import { actors } from "greenroom";\nexport { actors };\n');
  await assert.rejects(
    compile(project, ["mistake.ts"], { moduleResolution: "nodenext", noEmit: true }),
    /no exported member/,
  );
});
