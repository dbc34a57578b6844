/** An npm registry with nothing but our tarballs, and what the repository itself has installed from npm. */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { run } from "./program.js";
import { ROOT, readTarball, type Tarball } from "./tarball.js";

/** A registry that serves. */
export interface NpmRegistry {
  readonly url: string;
  /** What was asked for and is not here. */
  readonly missing: readonly string[];
  close(): Promise<void>;
}

/**
 * Starts one.
 *
 * @param scratch A folder for what it packs itself.
 * @param published The packages of ours that it has.
 */
export async function startNpmRegistry(scratch: string, published: readonly Tarball[]): Promise<NpmRegistry> {
  const ours = new Map(published.map((tarball) => [tarball.name, tarball]));
  const packages = new Map<string, Promise<Tarball | undefined>>();
  const missing: string[] = [];
  const find = (name: string): Promise<Tarball | undefined> => {
    const found = packages.get(name) ?? Promise.resolve(ours.get(name) ?? packInstalled(name, scratch));
    packages.set(name, found);
    return found;
  };
  const answer = async (path: string): Promise<Buffer | object | undefined> => {
    const [name = "", file] = decodeURIComponent(path.slice(1)).split("/-/");
    const tarball = await find(name);
    if (tarball === undefined) {
      missing.push(name);
      return undefined;
    }
    return file === undefined ? document(tarball, url) : readFile(tarball.path);
  };
  const server = createServer((request, response) => {
    answer(request.url ?? "/").then(
      (body) => {
        const bytes = body instanceof Buffer ? body : JSON.stringify(body ?? { error: "not found" });
        const type = body instanceof Buffer ? "application/octet-stream" : "application/json";
        response.writeHead(body === undefined ? 404 : 200, { "content-type": type }).end(bytes);
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    missing,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a registry says about a package with one version. */
async function document({ name, path, manifest }: Tarball, url: string): Promise<object> {
  const integrity = `sha512-${createHash("sha512")
    .update(await readFile(path))
    .digest("base64")}`;
  const tarball = `${url}/${name}/-/${basename(path)}`;
  const version = { ...manifest, dist: { tarball, integrity } };
  return {
    name,
    "dist-tags": { latest: manifest.version },
    versions: { [manifest.version]: version },
  };
}

/** Packs a package of others as it is in `node_modules`. */
async function packInstalled(name: string, scratch: string): Promise<Tarball | undefined> {
  const folder = join(ROOT, "node_modules", name);
  const source = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
  if (source === undefined || name.startsWith("@greenroom/") || name === "greenroom") return undefined;
  const destination = join(scratch, name);
  await mkdir(destination, { recursive: true });
  const arguments_ = ["pack", folder, "--json", "--ignore-scripts", "--pack-destination", destination];
  const output = await run("npm", arguments_, { cwd: scratch });
  const [packed] = Object.values(JSON.parse(output) as Record<string, { readonly filename: string }>);
  if (packed === undefined) throw new Error(`npm packed nothing: ${output}`);
  return readTarball(join(destination, packed.filename));
}
