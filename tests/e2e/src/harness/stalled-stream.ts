/** An event stream in JSON that is read only when the test wants it. */

import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";

interface Init {
  readonly body: { readonly val: { readonly connectionId: string; readonly connectionToken: string } };
}

export class StalledStream {
  readonly #url: string;
  readonly #response: IncomingMessage;
  readonly #init: Init["body"]["val"];

  private constructor(url: string, response: IncomingMessage, init: Init) {
    this.#url = url;
    this.#response = response;
    this.#init = init.body.val;
  }

  /** Opens a stream to an actor by key, and reads its first message. */
  static async open(url: string, actor: string, key: string): Promise<StalledStream> {
    const query = `rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=${key}`;
    const request = get(`${url}/gateway/${actor}/sse?${query}`, { agent: false });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    while (!text.includes("\n\n")) {
      await once(response, "readable");
      text += String(response.read() ?? "");
    }
    const data = text.slice(text.indexOf("data: ") + "data: ".length, text.indexOf("\n\n"));
    return new StalledStream(url, response, JSON.parse(data) as Init);
  }

  /** Subscribes to an event. */
  async subscribe(eventName: string): Promise<void> {
    const { connectionId, connectionToken } = this.#init;
    const answer = await fetch(`${this.#url}/connections/${connectionId}/message`, {
      method: "POST",
      headers: { "x-rivet-conn-token": connectionToken },
      body: JSON.stringify({ body: { tag: "SubscriptionRequest", val: { eventName, subscribe: true } } }),
    });
    if (answer.status !== 202) throw new Error(`status ${answer.status}: ${await answer.text()}`);
  }

  /** Everything that is left of it. */
  async rest(): Promise<string> {
    let text = "";
    for await (const chunk of this.#response.setEncoding("utf8")) text += chunk as string;
    return text;
  }

  cancel(): void {
    this.#response.destroy();
  }
}
