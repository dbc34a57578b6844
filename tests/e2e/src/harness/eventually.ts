/**
 * Repeats `check` until it does not throw, for effects that nothing announces. Fails with the last error when
 * they have not come within `within` milliseconds (30 s by default).
 */
export async function eventually(
  check: () => void | Promise<void>,
  { within = 30_000, every = 20 }: { within?: number; every?: number } = {},
): Promise<void> {
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((next) => setTimeout(next, every));
  }
}
