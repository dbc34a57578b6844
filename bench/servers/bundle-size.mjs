// Says how many bytes a page downloads at once for a module: bundled for browsers, minified, compressed with gzip.
// What is imported dynamically is left out, as bundlers make files of their own of it.
// node bundle-size.mjs <folder with node_modules> <source of the module>
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const [folder, contents] = process.argv.slice(2);
const later = {
  name: "later",
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};
const { outputFiles } = await build({
  stdin: { contents, resolveDir: folder },
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  write: false,
  logLevel: "error",
  plugins: [later],
});
console.log(gzipSync(outputFiles[0].contents, { level: 9 }).length);
