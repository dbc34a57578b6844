import { useState } from "react";
import type { Message } from "../messages.js";
import { type Address, useAddress } from "./address.js";
import { Answer } from "./answer.js";
import { Composer } from "./composer.js";
import { Sidebar } from "./sidebar.js";
import { useBottom } from "./use-bottom.js";
import { useConversation } from "./use-conversation.js";

const STATUS = {
  idle: "Offline",
  connecting: "Connecting",
  connected: "Live",
  disconnected: "Reconnecting",
} as const;

const SUGGESTIONS = [
  "What is 17% of 2,340, and what time is it in Tokyo?",
  "Remember to water the plants",
  "How does this survive a crash?",
  "Tell me a story",
];

export function App() {
  const address = useAddress();
  return <Conversation key={`${address.desk}/${address.conversation}`} address={address} />;
}

function Conversation({ address }: { address: Address }) {
  const { view, connStatus, isConnected, error, trouble, draft, ask, retry, stop } = useConversation(address);
  const [isOpen, setIsOpen] = useState(false);
  const { ref, onScroll } = useBottom<HTMLDivElement>(view);
  const messages = view?.messages ?? [];
  const last = messages.at(-1);
  const isAnswering = last?.role === "assistant" && last.status === "streaming";
  const first = messages[0];
  return (
    <div className="app" data-sidebar={isOpen ? "open" : "closed"}>
      <Sidebar address={address} notes={view?.notes ?? []} />
      <button type="button" className="veil" aria-label="Close the list" onClick={() => setIsOpen(false)} />
      <main>
        <header>
          <button type="button" className="menu" aria-label="Conversations" onClick={() => setIsOpen(true)}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M4 7h16M4 12h16M4 17h10" />
            </svg>
          </button>
          <h1>{first?.role === "user" ? first.text : "New conversation"}</h1>
          {view && <span className="model mono">{view.model}</span>}
          <span className="status" role="status" data-status={connStatus}>
            {STATUS[connStatus]}
          </span>
        </header>
        <div className="scroll" ref={ref} onScroll={onScroll}>
          <div className="column" role="log" aria-busy={isAnswering}>
            {view && messages.length === 0 && <Welcome isReady={isConnected} onAsk={ask} />}
            {messages.map((message) => (
              <Line
                key={message.id}
                message={message}
                onRetry={message === last && isConnected ? retry : undefined}
              />
            ))}
          </div>
        </div>
        <footer className="column">
          {error && (
            <p className="trouble" role="alert">
              {error.group === "user"
                ? error.message
                : "The agent cannot be reached. It will be tried again."}
            </p>
          )}
          <p className="trouble" role="alert">
            {trouble}
          </p>
          <Composer isReady={isConnected} isAnswering={isAnswering} draft={draft} onAsk={ask} onStop={stop} />
          <p className="faint hint">
            {view && <span className="mono">{view.model} · </span>}Every word is on disk before you see it.
          </p>
        </footer>
      </main>
    </div>
  );
}

function Line({ message, onRetry }: { message: Message; onRetry: (() => void) | undefined }) {
  if (message.role === "assistant") return <Answer answer={message} onRetry={onRetry} />;
  return <p className="question">{message.text}</p>;
}

function Welcome({ isReady, onAsk }: { isReady: boolean; onAsk: (text: string) => void }) {
  return (
    <section className="welcome">
      <span className="mark" aria-hidden="true" />
      <h2>What shall we do?</h2>
      <p className="faint">I calculate, keep notes, know the time, and remember what you tell me.</p>
      <div className="suggestions">
        {SUGGESTIONS.map((text) => (
          <button key={text} type="button" disabled={!isReady} onClick={() => onAsk(text)}>
            {text}
          </button>
        ))}
      </div>
    </section>
  );
}
