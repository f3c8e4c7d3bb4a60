/** What `range` goes through (Go, src/text/template/exec.go, walkRange). */
import type { Pipe } from "./ast.ts";
import { Failure } from "./fault.ts";
import { defaultText } from "./format/printer.ts";
import { compareText } from "./utf8.ts";
import {
  ByteValue,
  isDict,
  isList,
  lookUp,
  readValue,
  type Dict,
  type List,
  type Path,
  type StringMaps,
  type Traced,
} from "./values.ts";

export type Round = { index: Traced; element: Traced };

const NO_INDEX: Traced = { value: undefined, path: undefined };

function* overList(list: List, path: Path | undefined): Generator<Round> {
  for (let i = 0; i < list.length; i++) {
    const element = { value: readValue(list[i]), path: path && [...path, String(i)] };
    yield { index: { value: BigInt(i), path: undefined }, element };
  }
}

function* overDict(dict: Dict, path: Path | undefined, stringMaps: StringMaps): Generator<Round> {
  for (const key of Object.keys(dict).toSorted(compareText)) {
    const below = path && [...path, key];
    yield { index: { value: key, path: below }, element: { value: lookUp(dict, key, stringMaps), path: below } };
  }
}

function* counted(count: bigint | ByteValue): Generator<Round> {
  const end = count instanceof ByteValue ? BigInt(count.byte) : count;
  for (let i = 0n; i < end; i++) {
    const value = count instanceof ByteValue ? new ByteValue(Number(i)) : i;
    yield { index: NO_INDEX, element: { value, path: undefined } };
  }
}

/** Lists in order, objects by sorted key, whole numbers from 0; nothing for a missing value. */
export function rounds({ value, path }: Traced, pipe: Pipe, stringMaps: StringMaps): Iterable<Round> {
  if (value === undefined || value === null) return [];
  if (isList(value)) return overList(value, path);
  if (isDict(value)) return overDict(value, path, stringMaps);
  const text = defaultText(value, stringMaps).slice(0, 40);
  if (typeof value !== "bigint" && !(value instanceof ByteValue)) {
    const hint = typeof value === "number" ? "write range (.n | to_integer)" : undefined;
    throw new Failure(`range can't iterate over ${text}`, pipe.at, hint);
  }
  if (pipe.names.length > 1) throw new Failure(`can't use ${text} to iterate over more than one variable`, pipe.at);
  return counted(value);
}
