/**
 * Tokens of a template, by the rules of text/template/parse/lex.go (Go 1.26): trim marks, comments, spaces as tokens,
 * and the look-ahead that makes `.a-b` an error instead of a subtraction.
 *
 * The last token is `eof` or `error`; the parser reports an error only when it gets there, as Go does.
 */
import { dashHint } from "./hint.ts";

export type TokenKind =
  | "assign"
  | "bool"
  | "char"
  | "charConstant"
  | "declare"
  | "dot"
  | "eof"
  | "error"
  | "field"
  | "identifier"
  | "keyword"
  | "leftDelim"
  | "leftParen"
  | "nil"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelim"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable";

export type Token = { kind: TokenKind; at: number; text: string; hint?: string };

const KEYWORDS: ReadonlySet<string> = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);

const LEFT = "{{";
const RIGHT = "}}";
const SPACES = /[ \t\r\n]+/y;
const SPACE = /[ \t\r\n]/;
const WORD = /[\p{L}\p{Nd}_]*/uy;
const WORD_CHAR = /[\p{L}\p{Nd}_]/uy;
const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/uy;
const RAW_QUOTED = /`[^`]*`/y;
const CHAR_CONSTANT = /'(?:[^'\\\n]|\\[^\n])*'/uy;
const TERMINATOR = /$|[ \t\r\n.,|:)(]|\}\}/y;
/** As loose as Go's scanNumber: what is wrong with the digits, `parseNumber` notices. */
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)i?/y;

const SINGLE: Readonly<Record<string, TokenKind>> = { "=": "assign", "|": "pipe", "(": "leftParen", ")": "rightParen" };

class Lexer {
  readonly tokens: Token[] = [];
  private readonly source: string;
  private pos = 0;
  private parens = 0;

  constructor(source: string) {
    this.source = source;
  }

  run(): Token[] {
    while (this.text() && this.action());
    return this.tokens;
  }

  private push(kind: TokenKind, end: number): true {
    this.tokens.push({ kind, at: this.pos, text: this.source.slice(this.pos, end) });
    this.pos = end;
    return true;
  }

  private fail(message: string, hint?: string, at = this.pos): false {
    this.tokens.push(
      hint === undefined ? { kind: "error", at, text: message } : { kind: "error", at, text: message, hint },
    );
    return false;
  }

  private match(pattern: RegExp, at = this.pos): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.source)?.[0];
  }

  private charAt(at: number): string {
    const code = this.source.codePointAt(at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  /** Text up to the next action; false at the end of the input. */
  private text(): boolean {
    const open = this.source.indexOf(LEFT, this.pos);
    if (open < 0) {
      if (this.pos < this.source.length) this.push("text", this.source.length);
      this.push("eof", this.pos);
      return false;
    }
    const raw = this.source.slice(this.pos, open);
    const text = this.trimsLeft(open + LEFT.length) ? trimmedEnd(raw) : raw;
    if (text !== "") this.push("text", this.pos + text.length);
    this.pos = open;
    return true;
  }

  private trimsLeft(at: number): boolean {
    return this.source[at] === "-" && SPACE.test(this.source[at + 1] ?? "");
  }

  /** Length of the closing mark at `at`, with its trim mark; 0 when there is none. */
  private closing(at: number): number {
    if (SPACE.test(this.source[at] ?? "") && this.source.startsWith(`-${RIGHT}`, at + 1)) return 2 + RIGHT.length;
    return this.source.startsWith(RIGHT, at) ? RIGHT.length : 0;
  }

  private afterClosing(at: number, length: number): number {
    const end = at + length;
    return length > RIGHT.length ? end + (this.match(SPACES, end)?.length ?? 0) : end;
  }

  /** One action or comment; false after an error. */
  private action(): boolean {
    const inner = this.pos + LEFT.length + (this.trimsLeft(this.pos + LEFT.length) ? 2 : 0);
    if (this.source.startsWith("/*", inner)) return this.comment(inner);
    this.push("leftDelim", this.pos + LEFT.length);
    this.pos = inner;
    this.parens = 0;
    for (;;) {
      const length = this.closing(this.pos);
      if (length > 0) {
        if (this.parens > 0) return this.fail("unclosed left paren");
        const end = this.afterClosing(this.pos, length);
        this.push("rightDelim", this.pos + length);
        this.pos = end;
        return true;
      }
      if (!this.inside()) return false;
    }
  }

  private comment(start: number): boolean {
    const end = this.source.indexOf("*/", start + 2);
    if (end < 0) return this.fail("unclosed comment");
    const length = this.closing(end + 2);
    if (length === 0) return this.fail("comment ends before closing delimiter");
    this.pos = this.afterClosing(end + 2, length);
    return true;
  }

  private inside(): boolean {
    const char = this.charAt(this.pos);
    if (char === "") return this.fail("unclosed action", `close the action with ${RIGHT}`);
    if (SPACE.test(char)) return this.space();
    if (char === "." && !/\d|^$/.test(this.charAt(this.pos + 1))) return this.fieldOrVariable("field");
    if (char === "$") return this.fieldOrVariable("variable");
    if (/[.+\-\d]/.test(char)) return this.number();
    if (this.match(WORD_CHAR) !== undefined) return this.word();
    return this.quotedOrMark(char);
  }

  private quotedOrMark(char: string): boolean {
    if (char === '"') return this.quoted("string", QUOTED, "unterminated quoted string");
    if (char === "`") return this.quoted("rawString", RAW_QUOTED, "unterminated raw quoted string");
    if (char === "'") return this.quoted("charConstant", CHAR_CONSTANT, "unterminated character constant");
    if (char === ":")
      return this.source[this.pos + 1] === "=" ? this.push("declare", this.pos + 2) : this.fail("expected :=");
    return this.mark(char);
  }

  private mark(char: string): boolean {
    if (char === "(") this.parens++;
    if (char === ")" && --this.parens < 0) return this.fail("unexpected right paren");
    const kind = SINGLE[char] ?? (/[!-~]/.test(char) ? "char" : undefined);
    if (kind === undefined) return this.fail(`unrecognized character in action: ${describe(char)}`);
    return this.push(kind, this.pos + char.length);
  }

  /** The last space belongs to a trim mark that may follow it. */
  private space(): true {
    const end = this.pos + (this.match(SPACES)?.length ?? 0);
    return this.push("space", this.closing(end - 1) > 0 ? end - 1 : end);
  }

  private quoted(kind: TokenKind, pattern: RegExp, message: string): boolean {
    const text = this.match(pattern);
    return text === undefined ? this.fail(message) : this.push(kind, this.pos + text.length);
  }

  private word(): boolean {
    const word = this.match(WORD) ?? "";
    const end = this.pos + word.length;
    if (this.match(TERMINATOR, end) === undefined) return this.badCharacter(end);
    if (KEYWORDS.has(word)) return this.push("keyword", end);
    if (word === "nil") return this.push("nil", end);
    return this.push(word === "true" || word === "false" ? "bool" : "identifier", end);
  }

  private fieldOrVariable(kind: "field" | "variable"): boolean {
    const word = this.match(WORD, this.pos + 1) ?? "";
    const end = this.pos + 1 + word.length;
    if (this.match(TERMINATOR, end) === undefined) return this.badCharacter(end);
    return this.push(kind === "field" && word === "" ? "dot" : kind, end);
  }

  private badCharacter(at: number): false {
    const char = this.charAt(at);
    const hint = char === "-" ? dashHint(this.source, at) : undefined;
    return this.fail(`bad character ${describe(char)}`, hint, at);
  }

  private number(): boolean {
    const text = this.match(NUMBER) ?? "";
    const end = this.pos + text.length;
    const next = this.match(WORD_CHAR, end);
    if (text === "" || next !== undefined) return this.fail(`bad number syntax: "${text}${next ?? ""}"`);
    if (/[+-]/.test(this.charAt(end))) return this.fail(`bad number syntax: "${text}${this.charAt(end)}"`);
    return this.push("number", end);
  }
}

/** A loop, because a pattern for trailing spaces takes quadratic time on many inner ones. */
function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** As Go's `%#U`. */
function describe(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} '${char}'`;
}

export function lex(source: string): readonly Token[] {
  return new Lexer(source).run();
}
