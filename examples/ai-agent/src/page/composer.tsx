import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";

interface Props {
  readonly isReady: boolean;
  readonly isAnswering: boolean;
  /** What was sent and has come back. */
  readonly draft: { readonly text: string } | undefined;
  readonly onAsk: (text: string) => void;
  readonly onStop: () => void;
}

/** Where one asks, and stops. */
export function Composer({ isReady, isAnswering, draft, onAsk, onStop }: Props) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (draft) setText((before) => before || draft.text);
  }, [draft]);

  const canAsk = isReady && !isAnswering && text.trim() !== "";
  const submit = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (!canAsk) return;
    onAsk(text);
    setText("");
  };
  return (
    <form className="composer" onSubmit={submit}>
      <textarea
        ref={field}
        rows={1}
        maxLength={4_000}
        aria-label="Your question"
        placeholder="Ask, or have something noted"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
        }}
      />
      {isAnswering ? (
        <button type="button" className="round" aria-label="Stop" disabled={!isReady} onClick={onStop}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <rect x="7" y="7" width="10" height="10" rx="2" />
          </svg>
        </button>
      ) : (
        <button type="submit" className="round primary" aria-label="Ask" disabled={!canAsk}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 19V6m0 0-5.5 5.5M12 6l5.5 5.5" />
          </svg>
        </button>
      )}
    </form>
  );
}
