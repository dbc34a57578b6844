import { once } from "node:events";
import { createServer } from "node:net";

/** `wanted` if it is free, else 0: any that is. */
export async function portOrAny(wanted: number, host: string): Promise<number> {
  if (wanted === 0 || wanted > 65_535) return 0;
  const probe = createServer();
  try {
    probe.listen(wanted, host);
    await once(probe, "listening");
  } catch {
    return 0;
  }
  probe.close();
  await once(probe, "close");
  return wanted;
}
