/** index, slice, len (Go, src/text/template/funcs.go). Strings count in bytes, as Go's do. */
import { Failure } from "../fault.ts";
import { fromBytes, toBytes, utf8Length } from "../utf8.ts";
import {
  ByteValue,
  isDict,
  isList,
  kindOf,
  lookUp,
  readValue,
  typeName,
  type Dict,
  type StringMaps,
  type Value,
} from "../values.ts";

function indexNumber(index: Value, max: number): number {
  if (index === undefined || index === null) throw new Failure("cannot index slice/array with nil");
  const number = index instanceof ByteValue ? BigInt(index.byte) : index;
  if (typeof number !== "bigint") {
    const hint =
      kindOf(index) === "float" ? "a JSON number is no index: use range, or {{ .n | to_integer }}" : undefined;
    throw new Failure(`cannot index slice/array with type ${typeName(index, new Set())}`, undefined, hint);
  }
  if (number < 0n || number > BigInt(max)) throw new Failure(`index out of range: ${number}`);
  return Number(number);
}

function entry(dict: Dict, key: Value, stringMaps: StringMaps): Value {
  if (key === undefined || key === null) throw new Failure("value is nil; should be of type string");
  if (typeof key !== "string") throw new Failure(`value has type ${typeName(key, stringMaps)}; should be string`);
  return lookUp(dict, key, stringMaps);
}

function item<Item>(items: ArrayLike<Item>, index: Value): Item {
  const at = indexNumber(index, items.length - 1);
  return items[at] as Item;
}

/**
 * One step of `index`. Below a missing value a text key finds nothing, like a field does (deviation, api.md 12);
 * a number there is a bad index.
 */
export function indexOnce(container: Value, key: Value, stringMaps: StringMaps): Value {
  if (isDict(container)) return entry(container, key, stringMaps);
  if (isList(container)) return readValue(item(container, key));
  if (typeof container === "string") return new ByteValue(item(toBytes(container), key));
  if (container === undefined && typeof key === "string") return undefined;
  if (container === undefined || container === null) throw new Failure("index of nil");
  throw new Failure(`can't index item of type ${typeName(container, stringMaps)}`);
}

function bounds(length: number, indexes: readonly Value[]): [number, number] {
  const [start = 0, end = length, capacity = length] = indexes.map((index) => indexNumber(index, length));
  if (start > end) throw new Failure(`invalid slice index: ${start} > ${end}`);
  if (end > capacity) throw new Failure(`invalid slice index: ${end} > ${capacity}`);
  return [start, end];
}

export function slice([whole, ...indexes]: readonly Value[], stringMaps: StringMaps): Value {
  if (whole === undefined || whole === null) throw new Failure("slice of nil");
  if (indexes.length > 3) throw new Failure(`too many slice indexes: ${indexes.length}`);
  if (typeof whole === "string") {
    if (indexes.length === 3) throw new Failure("cannot 3-index slice a string");
    const bytes = toBytes(whole);
    return fromBytes(bytes.subarray(...bounds(bytes.length, indexes)));
  }
  if (isList(whole)) return whole.slice(...bounds(whole.length, indexes));
  throw new Failure(`can't slice item of type ${typeName(whole, stringMaps)}`);
}

export function len([value]: readonly Value[], stringMaps: StringMaps): bigint {
  if (typeof value === "string") return BigInt(utf8Length(value));
  if (isList(value)) return BigInt(value.length);
  if (isDict(value)) return BigInt(Object.keys(value).length);
  if (value === undefined || value === null) throw new Failure("len of nil");
  throw new Failure(`len of type ${typeName(value, stringMaps)}`);
}
