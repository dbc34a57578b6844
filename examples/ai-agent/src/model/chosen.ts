import { chooseModel } from "./choose.js";

/** The model of this process. */
export const model = chooseModel(process.env);
