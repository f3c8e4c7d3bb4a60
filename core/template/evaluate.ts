/**
 * Pipelines, commands and operands (Go, src/text/template/exec.go), each value with the place in the data it came from.
 *
 * T1  A field chain or `index` keeps its full path.
 * T2  What a function makes of a step's output keeps that step's path: the first such argument wins.
 * T3  `and`, `or` and `default` hand on one of their arguments, with its own path.
 */
import type { Command, Operand, Pipe } from "./ast.ts";
import { Failure } from "./fault.ts";
import { indexOnce } from "./builtins/collections.ts";
import { builtIn } from "./builtins/table.ts";
import { defaultText } from "./format/printer.ts";
import type { Scope } from "./scope.ts";
import { rejoin } from "./utf8.ts";
import { isDict, isTrue, lookUp, typeName, type Path, type Traced, type Value } from "./values.ts";

/** Evaluates a pipeline and declares or assigns its variables. */
export function evaluatePipe(pipe: Pipe, scope: Scope): Traced {
  let result: Traced | undefined;
  for (const command of pipe.commands) {
    try {
      result = evaluateCommand(command, result, scope);
    } catch (error) {
      throw error instanceof Failure ? error.placedAt(command.at) : error;
    }
  }
  const value = result ?? { value: undefined, path: undefined };
  for (const name of pipe.names) {
    if (pipe.assign) scope.assign(name, value);
    else scope.push(name, value);
  }
  return value;
}

/** `piped` is the value of the stage before, the last argument of this one. */
function evaluateCommand({ head, args }: Command, piped: Traced | undefined, scope: Scope): Traced {
  if (head.kind !== "function") return evaluateOperand(head, scope);
  return callFunction(head.name, args, piped, scope);
}

function evaluateOperand(operand: Operand, scope: Scope): Traced {
  switch (operand.kind) {
    case "constant":
      return { value: operand.value, path: undefined };
    case "nil":
      return { value: null, path: undefined };
    case "dot":
      return scope.dot;
    case "field":
      return followFields(scope.dot, operand.names, scope);
    case "variable":
      return followFields(scope.read(operand.name), operand.names, scope);
    case "chain":
      return followFields(evaluateOperand(operand.base, scope), operand.names, scope);
    case "function":
      return callFunction(operand.name, [], undefined, scope);
    case "pipe":
      return evaluatePipe(operand, scope);
  }
}

function followFields(start: Traced, names: readonly string[], scope: Scope): Traced {
  let { value } = start;
  for (const name of names) value = fieldOf(value, name, scope);
  return { value, path: names.length === 0 ? start.path : start.path?.concat(names) };
}

/** A field of a missing value is missing (deviation, api.md 12: "at any depth"). */
function fieldOf(value: Value, name: string, scope: Scope): Value {
  if (isDict(value)) return lookUp(value, name, scope.stringMaps);
  if (value === undefined || value === null) return undefined;
  throw new Failure(`can't evaluate field ${name} in type ${typeName(value, scope.stringMaps)}`);
}

function callFunction(name: string, args: readonly Operand[], piped: Traced | undefined, scope: Scope): Traced {
  if (name === "and" || name === "or") return shortCircuit(name === "or", args, piped, scope);
  scope.engine.checkTime();
  const values = args.map((arg) => evaluateOperand(arg, scope));
  if (piped !== undefined) values.push(piped);
  try {
    return apply(name, values, piped !== undefined, scope);
  } catch (error) {
    if (error instanceof Failure) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

function shortCircuit(wanted: boolean, args: readonly Operand[], piped: Traced | undefined, scope: Scope): Traced {
  let result: Traced = { value: undefined, path: undefined };
  for (const arg of args) {
    result = evaluateOperand(arg, scope);
    if (isTrue(result.value) === wanted) return result;
  }
  return piped ?? result;
}

function apply(name: string, values: readonly Traced[], isPiped: boolean, scope: Scope): Traced {
  if (name === "index") return indexTraced(values, scope);
  if (name === "default") return (isTrue(values[1]?.value) ? values[1] : values[0]) as Traced;
  const plain = values.map(({ value }) => value);
  const found = builtIn(name);
  const value = found === undefined ? filter(name, plain, isPiped, scope) : found.call(plain, scope.stringMaps);
  if (typeof value !== "string") return { value, path: taint(values) };
  scope.engine.useMemory(value.length);
  return { value: rejoin(value), path: taint(values) };
}

/** In Liquid the piped value is the filter's input, and stands before its arguments. */
function filter(name: string, values: readonly Value[], isPiped: boolean, scope: Scope): Value {
  return scope.engine.callFilter(name, isPiped ? [values.at(-1), ...values.slice(0, -1)] : values);
}

function indexTraced([container, ...keys]: readonly Traced[], scope: Scope): Traced {
  let { value, path } = container ?? { value: undefined, path: undefined };
  if (value === null || (value === undefined && keys.length === 0)) throw new Failure("index of untyped nil");
  for (const key of keys) {
    value = indexOnce(value, key.value, scope.stringMaps);
    path = path && [...path, defaultText(key.value, scope.stringMaps)];
  }
  return { value, path };
}

/** The whole data holds every step's output, so it counts as one. */
function taint(values: readonly Traced[]): Path | undefined {
  return values.find(({ path }) => path !== undefined && (path.length === 0 || path[0] === "steps"))?.path;
}
