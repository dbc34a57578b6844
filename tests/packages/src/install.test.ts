/** Whoever installs the packages into an empty project gets what the README promises, on Node.js and on Bun. */
import assert from "node:assert/strict";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { BUN, firstLine, run } from "./program.js";
import { compile, installed, makeProject, type PackageManager, type Project, sizeOf } from "./project.js";
import { readmeFiles } from "./readme.js";
import { entries, isPlatformPackage, PLATFORM_PACKAGE, tarballs } from "./tarball.js";

/** What a production install may come to. */
const LIMITS = { bytes: 25 * 2 ** 20, packages: 5 };

/** By which a package would run code while it is installed. */
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall", "prepare"];

/** Starts a server and stops it, or prints why it does not start. */
const START = `
  import { actor, setup } from "greenroom";
  const registry = setup({ use: { nobody: actor({ state: {}, actions: {} }) }, port: 0 });
  await registry.start().then(
    () => console.log("started"),
    (error) => console.log(error.code, error.message),
  );
  await registry.shutdown();
`;

const RUNTIMES: Record<PackageManager, { readonly program: string; readonly end: string }> = {
  npm: { program: process.execPath, end: ".js" },
  bun: { program: BUN, end: ".ts" },
};

for (const manager of ["npm", "bun"] as const) {
  const { program, end } = RUNTIMES[manager];

  describe(`installed by ${manager}`, () => {
    let project: Project;
    before(async () => {
      project = await makeProject();
      await project.install(manager, "greenroom", "@greenroom/client");
    });
    after(() => project.remove());

    test("it is few packages, small, and no code ran to install them", async () => {
      const packages = await installed(project);
      const expected = ["@greenroom/client", "@greenroom/native", PLATFORM_PACKAGE, "greenroom", "ws"];
      assert.deepEqual([...packages.keys()].sort(), expected.sort());
      assert.ok(packages.size <= LIMITS.packages);
      const bytes = await sizeOf(join(project.folder, "node_modules"));
      assert.ok(bytes <= LIMITS.bytes, `${bytes} bytes are more than ${LIMITS.bytes}`);
      for (const [name, { manifest }] of packages) {
        for (const script of INSTALL_SCRIPTS) {
          assert.equal(manifest.scripts?.[script], undefined, `${name} has the script ${script}`);
        }
      }
      // `ws` would use them if somebody had installed them.
      const asked = project.registry.missing.filter(
        (name) => !["bufferutil", "utf-8-validate"].includes(name),
      );
      assert.deepEqual(asked, []);
    });

    test("the README's server serves the README's client", async (t) => {
      const files = await readmeFiles();
      const server = files.get("counter.ts") ?? "";
      const client = files.get("client.ts") ?? "";
      await project.write("counter.ts", server);
      if (manager === "npm") await compile(project, ["counter.ts"], { moduleResolution: "nodenext" });
      const banner = await firstLine(t, program, [`counter${end}`], {
        cwd: project.folder,
        env: { GREENROOM_PORT: "0" },
      });
      const url = /http:\S+/.exec(banner)?.[0];
      assert.ok(url !== undefined, banner);
      assert.ok(client.includes("http://127.0.0.1:6420"), "the README's client has another address");
      await project.write("client.ts", client.replace("http://127.0.0.1:6420", url));
      if (manager === "npm") await compile(project, ["client.ts"], { moduleResolution: "nodenext" });
      assert.equal(await firstLine(t, program, [`client${end}`], { cwd: project.folder }), "1");
    });

    test("bundled into one file, it runs beside node_modules, and elsewhere says what to do", async () => {
      await project.write("start.js", START);
      await build({
        entryPoints: [join(project.folder, "start.js")],
        outfile: join(project.folder, "out/start.js"),
        bundle: true,
        platform: "node",
        format: "esm",
      });
      assert.match(await run(program, ["out/start.js"], { cwd: project.folder }), /\nstarted\n$/);
      const elsewhere = join(project.folder, "../elsewhere");
      await mkdir(elsewhere);
      await copyFile(join(project.folder, "out/start.js"), join(elsewhere, "start.mjs"));
      const said = await run(program, ["start.mjs"], { cwd: elsewhere });
      assert.match(said, /^native_missing .* this program is a bundle .*--external:greenroom/);
    });

    test("without the package of this platform, the start fails and says what to do", async () => {
      await project.write(`start${end}`, START);
      assert.match(await run(program, [`start${end}`], { cwd: project.folder }), /\nstarted\n$/);
      await rm(join(project.folder, "node_modules", PLATFORM_PACKAGE), { recursive: true });
      const said = await run(program, [`start${end}`], { cwd: project.folder });
      assert.match(said, /^native_missing /);
      assert.ok(
        said.includes(`${process.platform}-${process.arch} is missing: ${PLATFORM_PACKAGE} is not`),
        said,
      );
      assert.match(said, /install again on this machine, with optional dependencies\n$/);
    });
  });

  test(`every entry point can be imported on ${manager === "npm" ? "Node.js" : "Bun"}`, async (t) => {
    const project = await makeProject();
    t.after(() => project.remove());
    const code = (await tarballs()).filter((tarball) => !isPlatformPackage(tarball));
    await project.install(manager, ...code.map(({ name }) => name), "react@19");
    const names = code.flatMap(entries);
    const imports = names.map((name) => `await import(${JSON.stringify(name)})`);
    await project.write("all.js", `const all = [${imports}];\nconsole.log(all.length);`);
    assert.equal(await run(program, ["all.js"], { cwd: project.folder }), `${names.length}\n`);
  });
}

test("before the packages are published, npm installs the tarballs by their paths", async (t) => {
  const project = await makeProject([]);
  t.after(() => project.remove());
  const all = await tarballs();
  await project.install("npm", ...all.map(({ path }) => path));
  const packages = await installed(project);
  assert.deepEqual([...packages.keys()].sort(), [...all.map(({ name }) => name), "react", "ws"].sort());
});

test("before the packages are published, Bun installs the tarballs when they are overrides, too", async (t) => {
  const project = await makeProject([]);
  t.after(() => project.remove());
  const paths = (await tarballs()).map(({ name, path }) => [name, `file:${path}`] as const);
  const overrides = Object.fromEntries(paths.filter(([name]) => name.startsWith("@greenroom/")));
  const dependencies = Object.fromEntries(paths.filter(([name]) => name === "greenroom"));
  await project.write("package.json", JSON.stringify({ type: "module", dependencies, overrides }));
  await project.install("bun");
  assert.ok((await installed(project)).has(PLATFORM_PACKAGE));
  await project.write("start.ts", START);
  assert.match(await run(BUN, ["start.ts"], { cwd: project.folder }), /\nstarted\n$/);
});

test("npm leaves the addon out on another processor or with another C library", async (t) => {
  const project = await makeProject();
  t.after(() => project.remove());
  const other = process.arch === "x64" ? "arm64" : "x64";
  const choices = process.platform === "linux" ? [[`--cpu=${other}`], ["--libc=musl"]] : [[`--cpu=${other}`]];
  for (const choice of choices) {
    await project.install("npm", "greenroom", ...choice);
    const packages = await installed(project);
    assert.ok(packages.has("@greenroom/native"));
    assert.ok(!packages.has(PLATFORM_PACKAGE), choice.join(" "));
  }
});
