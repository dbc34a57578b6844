import { memo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";

/**
 * What a model has said, as Markdown. HTML in it is shown as the text that it is, addresses of links are checked by
 * the library, and pictures are not fetched: their addresses could carry away what was said here.
 */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <ReactMarkdown components={COMPONENTS}>{text}</ReactMarkdown>
    </div>
  );
});

const COMPONENTS: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  ),
  img: ({ alt }) => <em>[picture{alt ? `: ${alt}` : ""}]</em>,
};
