/** What `range` goes through (Go, src/text/template/exec.go, walkRange). */
import type { Pipe } from "./ast.ts";
import { Failure } from "./fault.ts";
import { defaultText } from "./format/printer.ts";
import { compareText } from "./utf8.ts";
import { ByteValue, isDict, isList, lookUp, readValue, type StringMaps, type Traced } from "./values.ts";

export type Round = { index: Traced; element: Traced };

const NO_INDEX: Traced = { value: undefined, path: undefined };

function* counted(count: bigint, wrap: (i: bigint) => Traced): Generator<Round> {
  for (let i = 0n; i < count; i++) yield { index: NO_INDEX, element: wrap(i) };
}

/** Lists in order, objects by sorted key, whole numbers from 0; nothing for a missing value. */
export function* rounds({ value, path }: Traced, pipe: Pipe, stringMaps: StringMaps): Generator<Round> {
  if (value === undefined || value === null) return;
  if (isList(value)) {
    for (let i = 0; i < value.length; i++)
      yield {
        index: { value: BigInt(i), path: undefined },
        element: { value: readValue(value[i]), path: path && [...path, String(i)] },
      };
  } else if (isDict(value)) {
    for (const key of Object.keys(value).toSorted(compareText))
      yield {
        index: { value: key, path: path && [...path, key] },
        element: { value: lookUp(value, key, stringMaps), path: path && [...path, key] },
      };
  } else if (typeof value === "bigint" || value instanceof ByteValue) {
    if (pipe.names.length > 1)
      throw new Failure(`can't use ${defaultText(value, stringMaps)} to iterate over more than one variable`, pipe.at);
    if (typeof value === "bigint") yield* counted(value, (i) => ({ value: i, path: undefined }));
    else yield* counted(BigInt(value.byte), (i) => ({ value: new ByteValue(Number(i)), path: undefined }));
  } else {
    const hint = typeof value === "number" ? "write range (.n | to_integer)" : undefined;
    throw new Failure(`range can't iterate over ${defaultText(value, stringMaps).slice(0, 40)}`, pipe.at, hint);
  }
}
