/** How the fake model understands people: by patterns. What it finds it turns into tool calls. */

/** A tool to call, before it has an id. */
export interface Wish {
  readonly name: string;
  readonly input: Readonly<Record<string, string | number>>;
}

const WORDS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\b(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(\d+(?:,\d{3})*(?:\.\d+)?)/gi, "$2 * $1 / 100"],
  [/\bsquare root of\s+(\d+(?:\.\d+)?)/gi, "sqrt($1)"],
  [/\bto the power of\b/gi, "^"],
  [/\bsquared\b/gi, "^2"],
  [/\bcubed\b/gi, "^3"],
  [/\bplus\b/gi, "+"],
  [/\bminus\b/gi, "-"],
  [/\b(?:times|multiplied by)\b/gi, "*"],
  [/\b(?:divided by|over)\b/gi, "/"],
  [/(\d)\s*x\s*(?=\d)/gi, "$1 * "],
];
/** A stretch of arithmetic: begins and ends like an operand. */
const ARITHMETIC = /(?:[-(\s]|sqrt)*\d(?:[\d\s.,+\-*/^()%×÷−]|sqrt|pi)*[\d)]|\d/gi;
const OPERATOR = /[+*/^×÷−]|\d\s*-\s*\d|sqrt|\d\s*%\s*\d/;

const CITIES: Readonly<Record<string, string>> = {
  amsterdam: "Europe/Amsterdam",
  berlin: "Europe/Berlin",
  chicago: "America/Chicago",
  delhi: "Asia/Kolkata",
  lisbon: "Europe/Lisbon",
  london: "Europe/London",
  "los angeles": "America/Los_Angeles",
  nairobi: "Africa/Nairobi",
  "new york": "America/New_York",
  paris: "Europe/Paris",
  "são paulo": "America/Sao_Paulo",
  seoul: "Asia/Seoul",
  singapore: "Asia/Singapore",
  sydney: "Australia/Sydney",
  tokyo: "Asia/Tokyo",
};

/** Everything in what somebody says that needs a tool, in the order in which tools are looked for. */
export function wishesIn(said: string): Wish[] {
  return [...notesIn(said), ...sumsIn(said), ...timesIn(said)];
}

function notesIn(said: string): Wish[] {
  const added =
    /\b(?:remember(?: that| to)?|note(?: down)?(?: that)?|remind me to|don't let me forget(?: to)?)[:,]?\s+(.+?)(?:[.!?](?=\s|$)|$)/i.exec(
      said,
    )?.[1] ?? /\b(?:add|put)\s+(.+?)\s+(?:to|on)\s+(?:my|the)\s+(?:list|notes|to-?dos?)\b/i.exec(said)?.[1];
  const isQuestion = /\b(?:what|which|show|list|read)\b.*\b(?:notes?|remember|list|to-?dos?)\b/i.test(said);
  const removed = /\b(?:remove|forget|delete|tick off|done with)\s+(?:note|number|item)?\s*#?(\d+)\b/i.exec(
    said,
  )?.[1];
  if (removed !== undefined) return [{ name: "notes", input: { do: "remove", number: Number(removed) } }];
  if (isQuestion) return [{ name: "notes", input: { do: "list" } }];
  if (added !== undefined)
    return [{ name: "notes", input: { do: "add", text: added.replace(/^["“]|["”]$/g, "") } }];
  return [];
}

function sumsIn(said: string): Wish[] {
  const text = WORDS.reduce((so, [pattern, replacement]) => so.replace(pattern, replacement), said);
  const found = text.match(ARITHMETIC) ?? [];
  return found
    .map((each) => each.trim())
    .filter((each) => OPERATOR.test(each))
    .map((expression) => ({ name: "calculator", input: { expression: balanced(expression) } }));
}

/** Without the closing parentheses that belong to the sentence. */
function balanced(expression: string): string {
  let so = expression;
  const count = (sign: string) => so.split(sign).length - 1;
  while (count(")") > count("(") && so.endsWith(")")) so = so.slice(0, -1).trim();
  while (count("(") > count(")") && so.startsWith("(")) so = so.slice(1).trim();
  return so;
}

function timesIn(said: string): Wish[] {
  if (
    !/\b(?:what(?:'s| is)? (?:the )?(?:time|date|day)|what time|which day|time is it|today's date|date today)\b/i.test(
      said,
    )
  )
    return [];
  const lower = said.toLowerCase();
  const city = Object.keys(CITIES).find((name) => lower.includes(name));
  const timeZone = city === undefined ? undefined : CITIES[city];
  return [{ name: "clock", input: timeZone === undefined ? {} : { timeZone } }];
}
