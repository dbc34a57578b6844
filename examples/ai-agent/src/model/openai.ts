/**
 * A model behind the chat completions protocol of OpenAI, which most providers and local servers speak: one request,
 * answered by server-sent events whose text, and the arguments of whose tool calls, come in pieces.
 */
import { createParser } from "eventsource-parser";
import { type CallPiece, type Chunk, chunkOf } from "./chunk.js";
import { type Model, modelError, type Output, type ToolCall, type ToolSpec, type Turn } from "./model.js";
import { cutOff, errorIn, refusal, unreachable } from "./trouble.js";

export interface ProviderOptions {
  /** For example `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Local servers often need none. */
  readonly key?: string | undefined;
  /** How long the provider may be silent, milliseconds. Default a minute. */
  readonly patience?: number;
}

/** No event of a provider is longer than this, and no call of a tool, in characters. */
const MAX_EVENT = 1_000_000;

export function openAiModel(options: ProviderOptions): Model {
  return {
    name: options.model,
    async *stream(turns, tools, signal) {
      const calls = new Map<number, ToolCall>();
      for await (const chunk of chunks(options, requestOf(options.model, turns, tools), signal)) {
        if (chunk.text !== "") yield { kind: "text", text: chunk.text } satisfies Output;
        for (const piece of chunk.calls) {
          calls.set(piece.index, joined(calls.get(piece.index), piece));
        }
      }
      for (const [index, call] of calls) {
        // Some local servers give their calls no ids.
        yield {
          kind: "call",
          call: { ...call, id: call.id || `call-${turns.length}-${index}` },
        } satisfies Output;
      }
    },
  };
}

/** A call and its next piece. @throws UserError if its arguments come to no end. */
function joined(call: ToolCall = { id: "", name: "", input: "" }, piece: CallPiece): ToolCall {
  const input = call.input + piece.input;
  if (input.length > MAX_EVENT) throw modelError("model_malformed", "the model calls a tool with too much");
  return { id: call.id || piece.id, name: call.name || piece.name, input };
}

function requestOf(model: string, turns: readonly Turn[], tools: readonly ToolSpec[]) {
  return {
    model,
    stream: true,
    messages: turns.map(messageOf),
    tools: tools.map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters },
    })),
  };
}

function messageOf(turn: Turn) {
  switch (turn.role) {
    case "tool":
      return { role: "tool", tool_call_id: turn.call, content: turn.text };
    case "assistant": {
      const calls = turn.calls.map(({ id, name, input }) => ({
        id,
        type: "function",
        function: { name, arguments: input },
      }));
      return { role: "assistant", content: turn.text, ...(calls.length > 0 && { tool_calls: calls }) };
    }
    default:
      return { role: turn.role, content: turn.text };
  }
}

/** Everything that the provider says, until it has said that this was all. */
async function* chunks(
  options: ProviderOptions,
  request: object,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  const silence = new Silence(options.patience ?? 60_000);
  try {
    const response = await post(options, request, AbortSignal.any([signal, silence.signal]));
    const ready: string[] = [];
    const parser = createParser({
      maxBufferSize: MAX_EVENT,
      onEvent: ({ data }) => void ready.push(data),
      onError: (error) => {
        if (error.type === "max-buffer-size-exceeded") throw modelError("model_malformed", error.message);
      },
    });
    let isWhole = false;
    for await (const text of textsOf(response)) {
      silence.broken();
      parser.feed(text);
      for (const data of ready.splice(0)) {
        if (data === "[DONE]") return;
        const chunk = chunkOf(data);
        if (chunk.error !== undefined) throw errorIn(chunk.error);
        isWhole ||= chunk.isLast;
        yield chunk;
      }
    }
    if (!isWhole) throw cutOff();
  } catch (error) {
    signal.throwIfAborted();
    if (silence.signal.aborted) throw unreachable(silence.signal.reason);
    throw error;
  } finally {
    silence.end();
  }
}

async function post(
  { baseUrl, key }: ProviderOptions,
  request: object,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json", accept: "text/event-stream" };
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
  const url = `${baseUrl.replace(/\/+$/, "")}/chat/completions`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(request), signal }).catch(
    (error: unknown) => {
      throw unreachable(error);
    },
  );
  if (!response.ok) throw await refusal(response, key);
  if (!response.headers.get("content-type")?.includes("text/event-stream"))
    throw modelError("model_malformed", "the model's answer is no stream of events: check its address");
  return response;
}

/** The body as text, piece by piece. @throws UserError `model_cut_off` if it breaks. */
async function* textsOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw cutOff(error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever stops listening ends the request, too.
    await reader.cancel().catch(() => {});
  }
}

/** Fires when nothing has been heard for too long. */
class Silence {
  readonly #controller = new AbortController();
  readonly #patience: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(patience: number) {
    this.#patience = patience;
    this.broken();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#controller.abort(new Error("the model says nothing")),
      this.#patience,
    );
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
