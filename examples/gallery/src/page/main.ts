import { createClient } from "@greenroom/client";
import type { registry } from "../registry.js";
import { view } from "./view.js";

const client = createClient<typeof registry>(location.origin);
// Behind the #, which browsers send to nobody.
const token = location.hash.slice(1);
const gallery = client.gallery.getOrCreate("main", { params: { token } }).connect();

gallery.on("changed", (showings) => view.showings(showings));
gallery.onStatusChange((status) => view.status(status));
gallery.onError((error) => view.trouble(error.message));
// Every opening, the first and each after a loss, starts from what the gallery knows.
gallery.onOpen(() => {
  Promise.all([gallery.mayKill(), gallery.list()]).then(
    ([mayKill, showings]) => {
      view.mayKill(mayKill);
      view.showings(showings);
    },
    (error: Error) => view.trouble(error.message),
  );
});

view.onKill((name) => {
  gallery.kill(name).then(
    () => view.trouble(""),
    (error: Error) => view.trouble(error.message),
  );
});
