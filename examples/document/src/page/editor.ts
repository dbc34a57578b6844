import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { markdown } from "@codemirror/lang-markdown";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";

const writing = HighlightStyle.define([
  { tag: tags.heading1, fontSize: "1.7em", fontWeight: "700", letterSpacing: "-0.02em", lineHeight: "1.3" },
  { tag: tags.heading2, fontSize: "1.3em", fontWeight: "680", letterSpacing: "-0.015em" },
  { tag: tags.heading, fontSize: "1.1em", fontWeight: "650" },
  { tag: tags.strong, fontWeight: "680" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: [tags.link, tags.url], color: "var(--green)" },
  { tag: tags.monospace, fontFamily: "var(--mono)", fontSize: "0.9em", color: "var(--green)" },
  { tag: tags.quote, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.processingInstruction, tags.meta, tags.contentSeparator], color: "var(--faint)" },
]);

/** An editor of a shared text, with everybody's cursors in it. */
export function createEditor(parent: HTMLElement, text: Y.Text, awareness: Awareness): EditorView {
  const undoManager = new Y.UndoManager(text);
  const extensions = [
    keymap.of([...yUndoManagerKeymap, ...defaultKeymap, indentWithTab]),
    drawSelection(),
    markdown(),
    syntaxHighlighting(writing),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": "Text of the document", spellcheck: "true" }),
    placeholder("# A title\n\nWrite something. Open this page in a second window to write together."),
    yCollab(text, awareness, { undoManager }),
  ];
  return new EditorView({ parent, state: EditorState.create({ doc: text.toString(), extensions }) });
}
