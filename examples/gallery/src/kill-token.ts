/** What a page has to know to kill examples: whoever started the gallery reads it, other people of the machine do not. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Of this start, unless `GREENROOM_GALLERY_TOKEN` gives one. */
export const killToken = process.env.GREENROOM_GALLERY_TOKEN || randomBytes(18).toString("base64url");

/** Whether `claimed` is it, found out in a time that says nothing about how much of it is right. */
export function isKillToken(claimed: unknown): boolean {
  return typeof claimed === "string" && timingSafeEqual(digest(claimed), digest(killToken));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
