/**
 * eq, ne, lt, le, gt, ge (Go, src/text/template/funcs.go).
 *
 * Extension (api.md 12): whole and fractional numbers compare by value, so `eq .n 3` works on a JSON number.
 */
import { Failure } from "../fault.ts";
import { compareText } from "../utf8.ts";
import { ByteValue, kindOf, typeName, type Kind, type StringMaps, type Value } from "../values.ts";

const NUMERIC: ReadonlySet<Kind> = new Set(["int", "uint", "float"]);
const BASIC: ReadonlySet<Kind> = new Set([...NUMERIC, "bool", "string"]);

function numeric(value: Value): bigint | number {
  if (value instanceof ByteValue) return value.byte;
  return value as bigint | number;
}

function incompatible(left: Value, right: Value, stringMaps: StringMaps): Failure {
  const kinds = new Set([kindOf(left), kindOf(right)]);
  const quotes = kinds.has("string") && [...kinds].some((kind) => NUMERIC.has(kind));
  return new Failure(
    `incompatible types for comparison: ${typeName(left, stringMaps)} and ${typeName(right, stringMaps)}`,
    undefined,
    quotes ? 'a text compares with a text: put the number in quotes, as in eq .input.n "10"' : undefined,
  );
}

/** Neither side is a list or map that the other could be compared with; nil compares with everything. */
function equalOthers(left: Value, right: Value, stringMaps: StringMaps): boolean {
  const a = kindOf(left);
  const b = kindOf(right);
  if (a === "nil" || b === "nil") return a === b;
  if (BASIC.has(a) || BASIC.has(b)) throw incompatible(left, right, stringMaps);
  throw new Failure(
    `non-comparable types ${typeName(left, stringMaps)} and ${typeName(right, stringMaps)}`,
    undefined,
    "compare one of their fields, or their text with toJson",
  );
}

function equal(left: Value, right: Value, stringMaps: StringMaps): boolean {
  const a = kindOf(left);
  const b = kindOf(right);
  // A bigint and a number are equal by value under ==, without loss.
  // oxlint-disable-next-line eqeqeq
  if (NUMERIC.has(a) && NUMERIC.has(b)) return numeric(left) == numeric(right);
  if (a === b && BASIC.has(a)) return left === right;
  return equalOthers(left, right, stringMaps);
}

function less(left: Value, right: Value, stringMaps: StringMaps): boolean {
  const a = kindOf(left);
  const b = kindOf(right);
  if (!BASIC.has(a) || !BASIC.has(b)) throw new Failure("invalid type for comparison");
  if (NUMERIC.has(a) && NUMERIC.has(b)) return numeric(left) < numeric(right);
  if (a !== b) throw incompatible(left, right, stringMaps);
  if (a === "bool") throw new Failure("invalid type for comparison");
  return compareText(left as string, right as string) < 0;
}

/** True when the first argument equals any of the others. */
export function eq(args: readonly Value[], stringMaps: StringMaps): boolean {
  const [first, ...rest] = args;
  if (rest.length === 0) throw new Failure("missing argument for comparison");
  return rest.some((other) => equal(first, other, stringMaps));
}

export function ne(args: readonly Value[], stringMaps: StringMaps): boolean {
  return !eq(args, stringMaps);
}

export function lt([left, right]: readonly Value[], stringMaps: StringMaps): boolean {
  return less(left, right, stringMaps);
}

export function le([left, right]: readonly Value[], stringMaps: StringMaps): boolean {
  return less(left, right, stringMaps) || equal(left, right, stringMaps);
}

export function gt(args: readonly Value[], stringMaps: StringMaps): boolean {
  return !le(args, stringMaps);
}

/** Not "less than", as Go has it: true for NaN. */
export function ge(args: readonly Value[], stringMaps: StringMaps): boolean {
  return !lt(args, stringMaps);
}
