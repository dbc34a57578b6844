/**
 * Evaluates arithmetic: numbers, `+ - * / % ^`, parentheses, and a few functions. It is a parser of its own because
 * what a model writes must never reach `eval`.
 *
 *     sum     = product (("+" | "-") product)*
 *     product = power (("*" | "/" | "%") power)*
 *     power   = sign ("^" power)?            binds to the right
 *     sign    = "-" power | atom
 *     atom    = number | name "(" sum ")" | constant | "(" sum ")"
 */

const FUNCTIONS: ReadonlyMap<string, (x: number) => number> = new Map([
  ["sqrt", Math.sqrt],
  ["abs", Math.abs],
  ["round", Math.round],
  ["floor", Math.floor],
  ["ceil", Math.ceil],
  ["ln", Math.log],
  ["log", Math.log10],
  ["sin", Math.sin],
  ["cos", Math.cos],
  ["tan", Math.tan],
]);
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["e", Math.E],
]);
const TOKEN = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]+)|([-+*/%^()]))/iy;
const MAX_LENGTH = 500;
/** Parentheses and signs within each other. */
const MAX_DEPTH = 50;

/** @throws Error that says what is wrong with the expression, or with its result. */
export function evaluate(expression: string): number {
  if (expression.length > MAX_LENGTH) throw new Error(`an expression has at most ${MAX_LENGTH} characters`);
  const result = new Parser(tokens(expression)).whole();
  if (!Number.isFinite(result)) throw new Error("the result is not a finite number");
  // What is left of 0.1 + 0.2 after twelve digits is the machine's, not arithmetic's.
  return Number(result.toPrecision(12));
}

function tokens(expression: string): string[] {
  const plain = expression
    .replace(/[×·]/g, "*")
    .replace(/[÷:]/g, "/")
    .replace(/[−–]/g, "-")
    .replaceAll("**", "^");
  const source = plain.replace(/(\d),(?=\d{3}\b)/g, "$1").trimEnd();
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw new Error(`\`${source.slice(at).trim().slice(0, 20)}\` is not arithmetic`);
    found.push(match[0].trim().toLowerCase());
  }
  return found;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  whole(): number {
    const result = this.#sum();
    if (this.#at < this.#tokens.length) throw new Error(`nothing was expected before \`${this.#next()}\``);
    return result;
  }

  #sum(): number {
    let sum = this.#product();
    for (;;) {
      if (this.#took("+")) sum += this.#product();
      else if (this.#took("-")) sum -= this.#product();
      else return sum;
    }
  }

  #product(): number {
    let product = this.#power();
    for (;;) {
      if (this.#took("*")) product *= this.#power();
      else if (this.#took("/")) product /= divisor(this.#power());
      else if (this.#took("%")) product %= divisor(this.#power());
      else return product;
    }
  }

  #power(): number {
    if (++this.#depth > MAX_DEPTH) throw new Error(`at most ${MAX_DEPTH} levels can be within each other`);
    const base = this.#took("-") ? -this.#power() : this.#atom();
    const result = this.#took("^") ? base ** this.#power() : base;
    this.#depth--;
    return result;
  }

  #atom(): number {
    const token = this.#next();
    if (token === "(") return this.#closed();
    const value = Number(token);
    if (!Number.isNaN(value)) return value;
    const constant = CONSTANTS.get(token);
    if (constant !== undefined) return constant;
    const called = FUNCTIONS.get(token);
    if (called === undefined) throw new Error(`\`${token}\` is not known here`);
    if (!this.#took("(")) throw new Error(`\`${token}\` needs parentheses`);
    return called(this.#closed());
  }

  /** What stands before the closing parenthesis. */
  #closed(): number {
    const inner = this.#sum();
    if (!this.#took(")")) throw new Error("a parenthesis is not closed");
    return inner;
  }

  #took(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error("the expression ends too early");
    return token;
  }
}

function divisor(value: number): number {
  if (value === 0) throw new Error("division by zero");
  return value;
}
