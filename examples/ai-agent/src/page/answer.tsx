import { memo } from "react";
import { type Answer as AnswerMessage, type Part, textOf } from "../messages.js";
import { Markdown } from "./markdown.js";
import { Tool } from "./tool.js";

interface Props {
  readonly answer: AnswerMessage;
  /** There if this is the last message. */
  readonly onRetry: (() => void) | undefined;
}

/** An answer, as far as it has come. */
export const Answer = memo(function Answer({ answer, onRetry }: Props) {
  const isStreaming = answer.status === "streaming";
  return (
    <article className="answer" data-status={answer.status}>
      <span className="mark" aria-hidden="true" />
      <div className="parts">
        {keyed(answer.parts).map(({ key, part }) =>
          part.kind === "text" ? <Markdown key={key} text={textOf(part)} /> : <Tool key={key} part={part} />,
        )}
        {isStreaming && answer.parts.length === 0 && (
          <span className="thinking" role="status" aria-label="Thinking" />
        )}
        <Ending answer={answer} onRetry={onRetry} />
      </div>
    </article>
  );
});

/** Parts are only ever added at the end: their place is their name. */
const keyed = (parts: readonly Part[]) => parts.map((part, place) => ({ key: `${place}`, part }));

const ENDINGS = {
  stopped: "Stopped.",
  interrupted: "Interrupted: the server went away in the middle.",
  failed: "This answer failed.",
} as const;

function Ending({ answer, onRetry }: Props) {
  const { status, problem } = answer;
  if (status === "streaming" || status === "done") return null;
  const words = problem
    ? `${problem.message.slice(0, 1).toUpperCase()}${problem.message.slice(1)}.`
    : ENDINGS[status];
  return (
    <p className="ending" data-code={problem?.code} role="status">
      <span>{words}</span>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </p>
  );
}
