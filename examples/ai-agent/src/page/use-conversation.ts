import { ActorError } from "@greenroom/react";
import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import type { Piece } from "../messages.js";
import type { Address } from "./address.js";
import { changed } from "./conversation-state.js";
import { useActor } from "./greenroom.js";

/** A conversation: what has been said, and how to say more. */
export function useConversation({ desk, conversation }: Address) {
  const agent = useActor({ name: "agent", key: [desk, conversation] });
  const { connection, isConnected, connStatus, error } = agent;
  const [view, dispatch] = useReducer(changed, undefined);
  const [trouble, setTrouble] = useState("");
  /** A question that did not arrive. Another one each time, even if it has the same words. */
  const [draft, setDraft] = useState<{ readonly text: string }>();
  const asking = useRef<AbortController>(undefined);

  // Every opening, the first and each after a loss, starts from what the actor knows.
  useEffect(() => {
    if (!isConnected) return;
    let isGone = false;
    connection.read().then(
      (read) => {
        if (!isGone) dispatch({ kind: "read", conversation: read });
      },
      // A connection that is lost is opened again, and then asked again.
      () => {},
    );
    return () => {
      isGone = true;
    };
  }, [connection, isConnected]);

  agent.useEvent("message", (message) => dispatch({ kind: "message", message }));
  agent.useEvent("removed", (id) => dispatch({ kind: "removed", id }));
  agent.useEvent("piece", (piece) => dispatch({ kind: "piece", piece }));
  agent.useEvent("notes", (notes) => dispatch({ kind: "notes", notes }));

  /** Reads an answer to its end. */
  const follow = useCallback(async (call: (signal: AbortSignal) => Promise<AsyncIterable<Piece>>) => {
    const controller = new AbortController();
    asking.current = controller;
    setTrouble("");
    try {
      for await (const piece of await call(controller.signal)) dispatch({ kind: "piece", piece });
    } catch (error) {
      if (!controller.signal.aborted) setTrouble(explained(error));
    } finally {
      if (asking.current === controller) asking.current = undefined;
    }
  }, []);

  const ask = async (text: string) => {
    if (!connection) return;
    const id = crypto.randomUUID();
    // A question that could not be asked is not asked again behind the back of who wrote it.
    await follow((signal) => connection.action({ name: "ask", args: [id, text], signal, retryTimeout: 0 }));
    // Whatever went wrong: a question that is not in the conversation goes back to who wrote it. The call waits for
    // the next connection, and fails when the page has left the conversation.
    const isThere = await connection.read().then(
      ({ messages }) => messages.some((message) => message.id === id),
      () => true,
    );
    if (!isThere) setDraft({ text });
  };
  const retry = () => {
    if (connection) void follow((signal) => connection.action({ name: "retry", args: [], signal }));
  };
  /** Ends the call that streams the answer, and with it the answer. One that another window asked for is told to stop. */
  const stop = () => {
    if (asking.current) asking.current.abort();
    else connection?.stop().catch((error: unknown) => setTrouble(explained(error)));
  };
  return { view, connStatus, isConnected, error, trouble, draft, ask, retry, stop };
}

/** What the agent refuses has a reason for people, and answers that failed say so themselves. */
function explained(error: unknown): string {
  if (!(error instanceof ActorError)) return "Something went wrong in this page.";
  if (error.group === "client") return "";
  if (error.code.startsWith("model_") || error.code === "interrupted") return "";
  return `${error.message.slice(0, 1).toUpperCase()}${error.message.slice(1)}.`;
}
