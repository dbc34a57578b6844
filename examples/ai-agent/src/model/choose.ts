import { fakeModel } from "./fake.js";
import type { Model } from "./model.js";
import { openAiModel } from "./openai.js";

/**
 * The model that the environment asks for: with `AGENT_BASE_URL` and `AGENT_MODEL` (and `AGENT_API_KEY`) a real one,
 * without them the local one that only plays a model. `AGENT_PAUSE` is how long that one takes for a word, in
 * milliseconds.
 *
 * @throws Error naming the variable that is missing or wrong.
 */
export function chooseModel(environment: Readonly<Record<string, string | undefined>>): Model {
  const { AGENT_BASE_URL: baseUrl, AGENT_MODEL: model, AGENT_API_KEY: key, AGENT_PAUSE: pause } = environment;
  if (!baseUrl) {
    if (model || key) throw new Error("AGENT_BASE_URL is missing: for example https://api.openai.com/v1");
    return fakeModel({ pause: milliseconds(pause) });
  }
  if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl))
    throw new Error(`AGENT_BASE_URL is \`${baseUrl}\`, expected the address of an OpenAI-compatible API`);
  if (!model) throw new Error("AGENT_MODEL is missing: the name of a model of that provider");
  return openAiModel({ baseUrl, model, key: key || undefined });
}

function milliseconds(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const ms = Number(text);
  if (!Number.isInteger(ms) || ms < 0 || ms > 10_000)
    throw new Error(`AGENT_PAUSE is \`${text}\`, expected milliseconds`);
  return ms;
}
