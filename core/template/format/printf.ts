/** fmt.Sprintf (Go, src/fmt/print.go, doPrintf), byte for byte, with its own texts for every mistake. */
import { Failure } from "../fault.ts";
import { isEscapedByte, rejoin } from "../utf8.ts";
import { ByteValue, isDict, isList, typeName, type StringMaps, type Value } from "../values.ts";
import { badVerb, printArgument } from "./printer.ts";
import { MAX_CHARS, plainSpec, type Spec } from "./spec.ts";

/** Go's own bound for a width or precision. */
const TOO_LARGE = 1_000_000;

const FLAG: Readonly<Record<string, "sharp" | "zero" | "plus" | "minus" | "space">> = {
  "#": "sharp",
  "0": "zero",
  "+": "plus",
  "-": "minus",
  " ": "space",
};

class Printf {
  private readonly format: string;
  private readonly args: readonly Value[];
  private readonly stringMaps: StringMaps;
  private at = 0;
  private argument = 0;
  private reordered = false;
  private goodIndex = true;
  private out = "";

  constructor(format: string, args: readonly Value[], stringMaps: StringMaps) {
    this.format = format;
    this.args = args;
    this.stringMaps = stringMaps;
  }

  run(): string {
    while (this.at < this.format.length) {
      const percent = this.format.indexOf("%", this.at);
      const end = percent < 0 ? this.format.length : percent;
      this.write(this.format.slice(this.at, end));
      this.at = end + 1;
      if (percent >= 0) this.directive();
    }
    if (!this.reordered && this.argument < this.args.length) this.extra();
    return rejoin(this.out);
  }

  private write(text: string): void {
    this.out += text;
    if (this.out.length > MAX_CHARS) throw new Failure("the formatted text is too long");
  }

  private directive(): void {
    this.goodIndex = true;
    const spec = plainSpec();
    this.flags(spec);
    let afterIndex = this.index();
    afterIndex = this.width(spec, afterIndex);
    afterIndex = this.precision(spec, afterIndex);
    if (!afterIndex) this.index();
    if (this.at >= this.format.length) this.write("%!(NOVERB)");
    else this.verb(spec);
  }

  private flags(spec: Spec): void {
    for (;;) {
      const flag = FLAG[this.format[this.at] ?? ""];
      if (flag === undefined) return;
      spec[flag] = true;
      this.at++;
    }
  }

  /** `[n]`: the argument that comes next. */
  private index(): boolean {
    if (this.format[this.at] !== "[") return false;
    this.reordered = true;
    const close = this.format.indexOf("]", this.at + 1);
    if (close < 0 || this.format.length - this.at < 3) {
      this.at++;
      this.goodIndex = false;
      return false;
    }
    const digits = this.format.slice(this.at + 1, close);
    const number = /^\d+$/.test(digits) && Number(digits) <= TOO_LARGE * 10 ? Number(digits) : undefined;
    this.at = close + 1;
    if (number !== undefined && number >= 1 && number <= this.args.length) {
      this.argument = number - 1;
      return true;
    }
    this.goodIndex = false;
    return number !== undefined;
  }

  /** Digits at the current place; too large a number swallows the rest of the format, as in Go. */
  private number(): number | undefined {
    const digits = /^\d*/.exec(this.format.slice(this.at, this.at + 20))?.[0] ?? "";
    if (digits === "") return undefined;
    if (Number(digits.slice(0, -1)) > TOO_LARGE) {
      this.at = this.format.length;
      return undefined;
    }
    this.at += digits.length;
    return Number(digits);
  }

  /** `*`: the next argument, when it is an integer of sensible size. */
  private starred(): number | undefined {
    this.at++;
    if (this.argument >= this.args.length) return undefined;
    const value = this.args[this.argument++];
    const number = value instanceof ByteValue ? value.byte : typeof value === "bigint" ? Number(value) : undefined;
    return number === undefined || Math.abs(number) > TOO_LARGE ? undefined : number;
  }

  private width(spec: Spec, afterIndex: boolean): boolean {
    if (this.format[this.at] !== "*") {
      spec.width = this.number();
      if (afterIndex && spec.width !== undefined) this.goodIndex = false;
      return afterIndex;
    }
    const width = this.starred();
    if (width === undefined) this.write("%!(BADWIDTH)");
    else if (width < 0) {
      spec.minus = true;
      spec.zero = false;
    }
    spec.width = width === undefined ? undefined : Math.abs(width);
    return false;
  }

  private precision(spec: Spec, afterIndex: boolean): boolean {
    if (this.at + 1 >= this.format.length || this.format[this.at] !== ".") return afterIndex;
    this.at++;
    if (afterIndex) this.goodIndex = false;
    const indexed = this.index();
    if (this.format[this.at] !== "*") {
      spec.precision = this.number() ?? 0;
      return indexed;
    }
    const precision = this.starred();
    spec.precision = precision !== undefined && precision >= 0 ? precision : undefined;
    if (spec.precision === undefined) this.write("%!(BADPREC)");
    return false;
  }

  private verb(spec: Spec): void {
    const char = String.fromCodePoint(this.format.codePointAt(this.at) ?? 0);
    this.at += char.length;
    const verb = isEscapedByte(char) ? "\ufffd" : char;
    if (verb === "%") this.write("%");
    else if (!this.goodIndex) this.write(`%!${verb}(BADINDEX)`);
    else if (this.argument >= this.args.length) this.write(`%!${verb}(MISSING)`);
    else this.print(spec, verb, this.args[this.argument++]);
  }

  private print(spec: Spec, verb: string, value: Value): void {
    if (verb === "v" || verb === "w") {
      spec.sharpV = spec.sharp;
      spec.plusV = spec.plus;
      spec.sharp = false;
      spec.plus = false;
    }
    if (verb === "p" && (isList(value) || isDict(value))) throw new Failure("the verb %p is not supported");
    const how = { spec, verb, stringMaps: this.stringMaps, goOnly: false };
    this.write(verb === "w" || verb === "p" ? badVerb(how, value) : printArgument(how, value));
  }

  private extra(): void {
    const texts = this.args.slice(this.argument).map((value) => {
      if (value === undefined || value === null) return "<nil>";
      const how = { spec: plainSpec(), verb: "v", stringMaps: this.stringMaps, goOnly: true };
      return `${typeName(value, this.stringMaps)}=${printArgument(how, value)}`;
    });
    this.write(`%!(EXTRA ${texts.join(", ")})`);
  }
}

export function sprintf(format: string, args: readonly Value[], stringMaps: StringMaps): string {
  return new Printf(format, args, stringMaps).run();
}
