/** What one rendering holds: the variables, the dot, and what it has used up. Never shared between two renderings. */
import { Failure } from "./fault.ts";
import { isDict, type StringMaps, type Traced, type Value } from "./values.ts";

/** api.md 12. */
const MAX_ROUNDS = 10_000;

/** What the engine lends to a rendering. */
export type Engine = {
  callFilter(name: string, args: readonly Value[]): Value;
  /** Throws when the time is up; liquidjs holds the clock. */
  checkTime(): void;
  /** Throws when the texts made on the way are too much together. */
  useMemory(chars: number): void;
};

export class Scope {
  /** text/template's stack: a block drops what it declared by cutting the stack back. */
  readonly variables: { name: string; value: Traced }[];
  readonly stringMaps: StringMaps;
  readonly engine: Engine;
  dot: Traced;
  private rounds = 0;

  constructor(data: { readonly [key: string]: unknown }, engine: Engine) {
    this.dot = { value: data, path: [] };
    this.variables = [{ name: "$", value: this.dot }];
    this.stringMaps = stringMapsOf(data);
    this.engine = engine;
  }

  read(name: string): Traced {
    const found = this.variables.findLast((variable) => variable.name === name);
    if (found === undefined) throw new Failure(`undefined variable: ${name}`);
    return found.value;
  }

  assign(name: string, value: Traced): void {
    const found = this.variables.findLast((variable) => variable.name === name);
    if (found === undefined)
      throw new Failure(`undefined variable: ${name}`, undefined, `declare it first: ${name} :=`);
    found.value = value;
  }

  push(name: string, value: Traced): void {
    this.variables.push({ name, value });
  }

  countRound(): void {
    if (++this.rounds > MAX_ROUNDS) throw new Failure(`more than ${MAX_ROUNDS} loop rounds`);
  }
}

/** The inputs of a run are a map of strings: there a missing key is the empty string, as Go's zero value is. */
function stringMapsOf(data: { readonly [key: string]: unknown }): StringMaps {
  const input = Object.hasOwn(data, "input") ? (data["input"] as Value) : undefined;
  const isStringMap = isDict(input) && Object.values(input).every((value) => typeof value === "string");
  return new Set<unknown>(isStringMap ? [input] : []);
}
