import { evaluate } from "./arithmetic.js";
import { type Tool, text } from "./tool.js";

export const calculator: Tool = {
  name: "calculator",
  description: "Evaluates an arithmetic expression exactly. Use it for every calculation.",
  parameters: {
    type: "object",
    properties: {
      expression: {
        type: "string",
        description: "For example (12.5 + 3) * 2 ^ 8 / sqrt(2). % is the remainder.",
      },
    },
    required: ["expression"],
  },
  run: (input) => String(evaluate(text(input, "expression"))),
};
