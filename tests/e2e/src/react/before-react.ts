/** What development servers do before they load React, so that edits can be applied while a page runs. */
import { injectIntoGlobalHook } from "react-refresh/runtime";

injectIntoGlobalHook(globalThis);
