/** Cron expressions of five fields. What they mean for the calendar is decided in `calendar.ts`. */

/** A parsed expression. A set has every number that its field allows. */
export interface CronExpression {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** Whether a day has to be in one of the two sets of days only, because both are restricted. */
  readonly eitherDay: boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of `min`, `min + 1` and so on. */
  readonly names?: readonly string[];
}

const MINUTE: Field = { name: "minute", min: 0, max: 59 };
const HOUR: Field = { name: "hour", min: 0, max: 23 };
const DAY_OF_MONTH: Field = { name: "day of the month", min: 1, max: 31 };
const MONTH: Field = {
  name: "month",
  min: 1,
  max: 12,
  names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const DAY_OF_WEEK: Field = {
  name: "day of the week",
  min: 0,
  max: 7,
  names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/** @throws Error saying what is wrong with which field. */
export function parseCron(expression: string): CronExpression {
  const parts = expression.trim().split(/\s+/);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = parts;
  if (
    parts.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    dayOfMonth === undefined ||
    month === undefined ||
    dayOfWeek === undefined
  ) {
    throw new Error("it needs five fields: minute, hour, day of the month, month, day of the week");
  }
  return {
    minutes: sorted(parseField(MINUTE, minute)),
    hours: sorted(parseField(HOUR, hour)),
    daysOfMonth: parseField(DAY_OF_MONTH, dayOfMonth),
    months: parseField(MONTH, month),
    daysOfWeek: new Set([...parseField(DAY_OF_WEEK, dayOfWeek)].map((day) => day % 7)),
    eitherDay: !dayOfMonth.startsWith("*") && !dayOfWeek.startsWith("*"),
  };
}

function parseField(field: Field, text: string): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const [span = "", stepText, ...rest] = part.split("/");
    const step = stepText === undefined ? 1 : parseStep(field, stepText);
    if (rest.length > 0) throw wrong(field, part);
    const [from, to] = parseSpan(field, span, stepText !== undefined);
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return found;
}

function parseSpan(field: Field, span: string, hasStep: boolean): readonly [from: number, to: number] {
  // Sunday has two numbers, but a week has it once.
  if (span === "*") return [field.min, field === DAY_OF_WEEK ? 6 : field.max];
  const [first = "", last, ...rest] = span.split("-");
  if (rest.length > 0) throw wrong(field, span);
  const from = parseNumber(field, first);
  if (last === undefined) return [from, hasStep ? field.max : from];
  const to = parseNumber(field, last);
  if (from > to) throw wrong(field, span);
  return [from, to];
}

function parseNumber(field: Field, text: string): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return field.min + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= field.min && value <= field.max)) throw wrong(field, text);
  return value;
}

function parseStep(field: Field, text: string): number {
  const step = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (step === 0) throw wrong(field, `/${text}`);
  return step;
}

function wrong(field: Field, text: string): Error {
  return new Error(`\`${text}\` is not a ${field.name} (${field.min} to ${field.max})`);
}

function sorted(values: ReadonlySet<number>): readonly number[] {
  return [...values].sort((a, b) => a - b);
}
