/** Every function a template may call, with the number of its arguments; liquidjs's filters come on top. */
import { Failure } from "../fault.ts";
import { sprintf } from "../format/printf.ts";
import { isTrue, typeName, type StringMaps, type Value } from "../values.ts";
import { fallback, fromJson, sha256, toJson } from "./added.ts";
import { indexOnce, len, slice } from "./collections.ts";
import { eq, ge, gt, le, lt, ne } from "./compare.ts";
import { html, js, print, println, urlquery } from "./text.ts";

type FunctionBody = (args: readonly Value[], stringMaps: StringMaps) => Value;
export type BuiltIn = { readonly min: number; readonly max: number; readonly call: FunctionBody };

function printf([format, ...args]: readonly Value[], stringMaps: StringMaps): string {
  if (typeof format === "string") return sprintf(format, args, stringMaps);
  throw new Failure(`wrong type for value; expected string; got ${typeName(format, stringMaps)}`);
}

function index([container, ...keys]: readonly Value[], stringMaps: StringMaps): Value {
  if (container === null || (container === undefined && keys.length === 0)) throw new Failure("index of untyped nil");
  return keys.reduce<Value>((value, key) => indexOnce(value, key, stringMaps), container);
}

function either(value: Value): never {
  throw new Error(`and/or are evaluated lazily, not called: ${typeof value}`);
}

const ANY = Number.POSITIVE_INFINITY;

const BUILT_INS: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  ["and", { min: 1, max: ANY, call: ([value]) => either(value) }],
  ["or", { min: 1, max: ANY, call: ([value]) => either(value) }],
  ["not", { min: 1, max: 1, call: ([value]) => !isTrue(value) }],
  ["eq", { min: 2, max: ANY, call: eq }],
  ["ne", { min: 2, max: 2, call: ne }],
  ["lt", { min: 2, max: 2, call: lt }],
  ["le", { min: 2, max: 2, call: le }],
  ["gt", { min: 2, max: 2, call: gt }],
  ["ge", { min: 2, max: 2, call: ge }],
  ["index", { min: 1, max: ANY, call: index }],
  ["slice", { min: 1, max: 4, call: slice }],
  ["len", { min: 1, max: 1, call: len }],
  ["print", { min: 0, max: ANY, call: print }],
  ["printf", { min: 1, max: ANY, call: printf }],
  ["println", { min: 0, max: ANY, call: println }],
  ["html", { min: 0, max: ANY, call: html }],
  ["js", { min: 0, max: ANY, call: js }],
  ["urlquery", { min: 0, max: ANY, call: urlquery }],
  ["toJson", { min: 1, max: 1, call: toJson }],
  ["fromJson", { min: 1, max: 1, call: fromJson }],
  ["default", { min: 2, max: 2, call: fallback }],
  ["sha256", { min: 1, max: 1, call: sha256 }],
]);

export function builtIn(name: string): BuiltIn | undefined {
  return BUILT_INS.get(name);
}
