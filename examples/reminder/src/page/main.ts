import { createClient } from "@greenroom/client";
import type { registry } from "../registry.js";
import { view } from "./view.js";

const client = createClient<typeof registry>(location.origin);
const reminder = client.reminder.getOrCreate(decodeURIComponent(location.hash.slice(1)) || "me").connect();
addEventListener("hashchange", () => location.reload());

reminder.on("planned", (planned) => view.planned(planned));
reminder.on("cancelled", ({ id }) => view.gone(id));
reminder.on("reminder", (sent) => view.sent(sent));
reminder.onStatusChange((status) => view.status(status));
reminder.onError((error) => view.trouble(error.message));
// Every opening, the first and each after a loss, starts from what the actor knows.
reminder.onOpen(() => {
  reminder.list().then(view.all, said);
});

view.onPlan((text, seconds) => {
  reminder.setReminder(text, seconds * 1_000).then(() => view.taken(), said);
});
view.onCancel((id) => {
  reminder.cancel(id).then(() => view.trouble(""), said);
});

function said(error: Error): void {
  view.trouble(error.message);
}
