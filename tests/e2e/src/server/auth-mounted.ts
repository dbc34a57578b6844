/** Requests to actors behind `onAuth` that reach them through `registry.handler`, as in another server's program. */

import { registry } from "./auth-registry.js";

async function open(headers: Readonly<Record<string, string>>): Promise<unknown> {
  const query = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=mounted";
  const request = new Request(`https://mounted.test/gateway/vault/action/open?${query}`, {
    method: "POST",
    headers,
    body: JSON.stringify({ args: [] }),
  });
  const response = await registry.handler(request);
  return { status: response.status, body: await response.json() };
}

async function list(headers: Readonly<Record<string, string>>): Promise<number> {
  const response = await registry.handler(new Request("https://mounted.test/actors", { headers }));
  await response.body?.cancel();
  return response.status;
}

const saw = {
  refused: await open({}),
  // Nobody outside can say that they are inside.
  pretending: await open({ "x-greenroom-chain": "a", "x-greenroom-origin": "trusted" }),
  letIn: await open({ authorization: "Bearer ann-s3cret" }),
  listed: [await list({}), await list({ authorization: "Bearer manage" })],
};
await registry.shutdown();
process.stdout.write(`${JSON.stringify(saw)}\n`);
