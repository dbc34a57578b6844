// What a page imports of this system; its bundle is measured.
export { createClient } from "rivetkit/client";
