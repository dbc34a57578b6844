// Says how many bytes a page downloads at once for a module: bundled for browsers, minified, compressed with gzip.
// What is imported dynamically is left out, as bundlers make files of their own of it.
// node bundle-size.mjs <folder with node_modules> <source of the module>
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const [folder, contents] = process.argv.slice(2);
const { outputFiles, metafile } = await build({
  stdin: { contents, resolveDir: folder },
  absWorkingDir: folder,
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  outdir: "out",
  write: false,
  metafile: true,
  logLevel: "error",
});
const files = new Map(outputFiles.map((file) => [file.path, file.contents]));
const entry = Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === "<stdin>");
const atOnce = new Set([entry]);
for (const path of atOnce) {
  for (const { path: imported, kind } of metafile.outputs[path].imports) {
    if (kind === "import-statement") atOnce.add(imported);
  }
}
const sizes = [...atOnce].map((path) => gzipSync(files.get(`${folder}/${path}`), { level: 9 }).length);
console.log(sizes.reduce((sum, size) => sum + size, 0));
