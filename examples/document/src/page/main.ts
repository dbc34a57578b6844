import { createClient } from "@greenroom/client";
import { IndexeddbPersistence } from "y-indexeddb";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import type { registry } from "../registry.js";
import type { Entry } from "../shelf.js";
import { createEditor } from "./editor.js";
import { nameOf, userOf } from "./people.js";
import { Session } from "./session.js";
import { view } from "./view.js";

const NAMES = [
  "Ariel",
  "Beatrice",
  "Cordelia",
  "Feste",
  "Hermia",
  "Miranda",
  "Orsino",
  "Puck",
  "Rosalind",
  "Viola",
];

const client = createClient<typeof registry>(location.origin);
let name = localStorage.getItem("name") ?? NAMES[Math.floor(Math.random() * NAMES.length)] ?? "Somebody";
let entries: readonly Entry[] = [];
let open = openDocument(nameFromAddress());

/** The name of the document in the address, `#plans`; without one, `welcome`. */
function nameFromAddress(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)) || "welcome";
  } catch {
    return location.hash.slice(1);
  }
}

/** A document with its editor, its copy on this device and its session. */
function openDocument(document: string) {
  const doc = new Y.Doc();
  const text = doc.getText("text");
  const awareness = new Awareness(doc);
  awareness.setLocalStateField("user", userOf(name));
  // Everything is also kept in the browser: written offline, it survives a reload.
  const copy = new IndexeddbPersistence(`greenroom/${document}`, doc);
  const connect = () =>
    client.document.getOrCreate([document], { params: { clientId: doc.clientID, name } }).connect();
  const session = new Session(doc, awareness, connect, view);
  const editor = createEditor(view.editor, text, awareness);
  const showText = () => view.text(text.toString());
  const showPeople = () => view.people([...awareness.getStates().values()].map(nameOf));
  text.observe(showText);
  awareness.on("change", showPeople);
  showText();
  showPeople();
  view.progress(0, undefined);
  view.shelf(entries, document);
  if (view.isOnline()) session.goOnline();
  return {
    document,
    session,
    rename: () => awareness.setLocalStateField("user", userOf(name)),
    close: () => {
      session.close();
      editor.destroy();
      awareness.destroy();
      void copy.destroy();
      doc.destroy();
    },
  };
}

addEventListener("hashchange", () => {
  open.close();
  open = openDocument(nameFromAddress());
});

view.onNew(() => {
  location.hash = crypto.randomUUID().slice(0, 8);
});
view.onName(name, (changed) => {
  name = changed;
  localStorage.setItem("name", name);
  open.rename();
});
view.onOnline((isOnline) => {
  if (isOnline) open.session.goOnline();
  else open.session.goOffline();
});

const shelf = client.shelf.getOrCreate().connect();
shelf.on("entries", showShelf);
shelf.onOpen(() => void shelf.entries().then(showShelf, () => {}));

function showShelf(now: readonly Entry[]): void {
  entries = now;
  view.shelf(entries, open.document);
}
