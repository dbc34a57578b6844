/** Prints the program of a runtime (first argument), for scripts of `package.json`. */
import { runtimeCommand } from "./paths.js";

process.stdout.write(runtimeCommand(process.argv[2])[0]);
