/** What can go wrong with a provider, in words for the person who waits for the answer. */
import type { UserError } from "greenroom";
import { modelError } from "./model.js";

const MAX_REASON = 300;

/** The provider answers, but not with an answer. @param key Never shown, should the provider repeat it. */
export async function refusal(response: Response, key: string | undefined): Promise<UserError> {
  const { status } = response;
  if (status === 401 || status === 403) {
    await response.body?.cancel();
    return modelError("model_unauthorized", "the model does not take the key: check AGENT_API_KEY", {
      status,
    });
  }
  if (status === 429) {
    await response.body?.cancel();
    const retryAfter = secondsOf(response.headers.get("retry-after"));
    const when = retryAfter === undefined ? "in a moment" : `in ${retryAfter} s`;
    return modelError("model_busy", `the model has too much to do: try again ${when}`, {
      status,
      retryAfter,
    });
  }
  if (status >= 500) {
    await response.body?.cancel();
    return modelError("model_unavailable", `the model has trouble of its own (${status}): try again`, {
      status,
    });
  }
  const reason = await reasonOf(response);
  const said = key === undefined ? reason : reason.replaceAll(key, "…");
  return modelError("model_refused", `the model refuses this (${status}): ${said}`, { status });
}

/** Nobody answers, or says nothing any more. */
export function unreachable(cause: unknown): UserError {
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : "";
  return modelError("model_unavailable", `the model cannot be reached: ${reason || "no reason given"}`);
}

/** The answer ends before its end. */
export function cutOff(_cause?: unknown): UserError {
  return modelError("model_cut_off", "the model's answer broke off: try again");
}

/** The provider says so itself, in the middle of an answer. */
export function errorIn(reason: string): UserError {
  return modelError("model_unavailable", `the model has failed: ${reason.slice(0, MAX_REASON)}`);
}

async function reasonOf(response: Response): Promise<string> {
  const body = await response.text().catch(() => "");
  const said = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? body;
  return said.slice(0, MAX_REASON) || "no reason given";
}

/** `Retry-After` in seconds; one that is a date is not read. */
function secondsOf(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined;
}
