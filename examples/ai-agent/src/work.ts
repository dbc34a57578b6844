/** The agent's loop: the model speaks, calls tools, hears what came of them, and speaks again. */
import { type ActorContextOf, ActorError, UserError } from "greenroom";
import type { agent } from "./agent.js";
import type { Answer, Status } from "./messages.js";
import { model } from "./model/chosen.js";
import { modelError, type ToolCall } from "./model/model.js";
import type { Run } from "./run.js";
import { applyTool, TOOLS } from "./tools/index.js";
import { turnsOf } from "./turns.js";

type Agent = ActorContextOf<typeof agent>;

const INTERRUPTED = new UserError("the server went away in the middle of the answer: try again", {
  code: "interrupted",
});

/** An answer has at most so many characters, whatever the model would still say. */
const MAX_ANSWER = 60_000;
/** What a call of a tool counts for, besides its arguments and what comes of it. */
const CALL = 100;
/** So often the model may call tools before it has to be done. */
const MAX_ROUNDS = 8;

/**
 * Gives the answer that is the last message of the conversation. Each piece is a change of the state of its own, so
 * it is on disk before anybody sees it. Never rejects: what goes wrong is part of the answer.
 */
export async function work(c: Agent, run: Run): Promise<void> {
  const answer = c.state.messages.at(-1);
  if (answer?.role !== "assistant") throw new Error("the answer is the last message");
  const signal = AbortSignal.any([run.stopped, c.vars.stopping]);
  try {
    for (let round = 1; ; round++) {
      const calls = await speak(c, run, answer, signal);
      if (calls.length === 0) break;
      if (round === MAX_ROUNDS)
        throw modelError(
          "model_endless",
          `the model calls tools and comes to no end after ${MAX_ROUNDS} rounds`,
        );
      for (const call of calls) await callTool(c, run, answer, call);
    }
    end(c, run, answer, "done");
  } catch (error) {
    if (run.stopped.aborted) end(c, run, answer, "stopped");
    else if (signal.aborted) end(c, run, answer, "interrupted", INTERRUPTED);
    else end(c, run, answer, "failed", error);
  }
}

/** Lets the model speak until it is done, or wants tools to be called. */
async function speak(c: Agent, run: Run, answer: Answer, signal: AbortSignal): Promise<ToolCall[]> {
  const calls: ToolCall[] = [];
  for await (const output of model.stream(turnsOf(c.state.messages), TOOLS, signal)) {
    signal.throwIfAborted();
    run.grow(output.kind === "text" ? output.text.length : CALL + output.call.input.length, MAX_ANSWER);
    if (output.kind === "text") say(c, run, answer, output.text);
    else calls.push(output.call);
  }
  return calls;
}

function say(c: Agent, run: Run, answer: Answer, text: string): void {
  if (answer.parts.at(-1)?.kind !== "text") answer.parts.push({ kind: "text", pieces: [] });
  const part = answer.parts.at(-1);
  if (part?.kind !== "text") return;
  const piece = { answer: answer.id, part: answer.parts.length - 1, index: part.pieces.length, text };
  // Appending stores the piece; text += would store all of the text again.
  part.pieces.push(text);
  run.add(piece);
  for (const [id, conn] of c.conns) if (id !== run.asker) conn.send("piece", piece);
}

async function callTool(c: Agent, run: Run, answer: Answer, call: ToolCall): Promise<void> {
  const index = answer.parts.length;
  const part = { kind: "tool", call: call.id, tool: call.name, input: call.input } as const;
  answer.parts.push({ ...part, output: undefined });
  c.broadcast("message", answer);
  const output = await applyTool(call.name, call.input, { notes: c.state.notes });
  answer.parts[index] = { ...part, output };
  run.grow(output.text.length, MAX_ANSWER);
  c.broadcast("message", answer);
  c.broadcast("notes", c.state.notes);
}

function end(c: Agent, run: Run, answer: Answer, status: Status, error?: unknown): void {
  // What is whole need not stay in pieces.
  answer.parts = answer.parts.map((part) =>
    part.kind === "text" ? { kind: "text", pieces: [part.pieces.join("")] } : part,
  );
  answer.status = status;
  if (status === "failed") answer.problem = problemOf(c, error);
  c.broadcast("message", answer);
  c.vars.run = undefined;
  run.end(error === undefined ? undefined : asError(error));
}

/** What people may know of it. */
function problemOf(c: Agent, error: unknown): { code: string; message: string } {
  if (error instanceof ActorError && error.group === "user")
    return { code: error.code, message: error.message };
  c.log.error({ error: asError(error) }, "an answer has failed");
  return { code: "internal_error", message: "something went wrong; the server's log says what" };
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
