import { ActorClientError, describe } from "./errors.js";
import type { ParamsOptions } from "./types.js";

/**
 * The parameters for one call or socket, as JSON in plain ASCII: header values carry nothing else.
 * `undefined` when the handle has none.
 *
 * @throws ActorError `client.get_params_failed` when `getParams` throws or gives what JSON cannot write.
 */
export async function paramsJson(options: ParamsOptions<unknown>): Promise<string | undefined> {
  try {
    const params = options.getParams === undefined ? options.params : await options.getParams();
    const json = JSON.stringify(params) as string | undefined;
    return json?.replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  } catch (cause) {
    throw new ActorClientError("get_params_failed", `no connection parameters: ${describe(cause)}`, {
      cause,
    });
  }
}
