type FoldState = (image: Uint8Array | null, operations: Uint8Array[]) => Uint8Array;

const foldState = await load();

/** Whether the native fold takes part. */
export const hasNativeFold = foldState !== undefined;

/** The image after `operations`, folded in Rust. `undefined` only where GREENROOM_NO_ADDON=1 says it is not built. */
export function foldNatively(image: Uint8Array | null, operations: Uint8Array): Uint8Array | undefined {
  return foldState?.(image, [operations]);
}

async function load(): Promise<FoldState | undefined> {
  if (process.env.GREENROOM_NO_ADDON === "1") return undefined;
  const native = (await import("@greenroom/native")) as unknown as { foldState?: FoldState };
  if (native.foldState === undefined) {
    throw new Error(
      "@greenroom/native has no foldState: build the addon, or set GREENROOM_NO_ADDON=1 to test without it",
    );
  }
  return native.foldState;
}
