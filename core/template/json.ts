/** JSON as templates print it: compact, in the object's own key order, nothing escaped for HTML. */
import { Failure } from "./fault.ts";
import { toText } from "./utf8.ts";
import { ByteValue, type Value } from "./values.ts";

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return value instanceof ByteValue ? value.byte : value;
}

/** A missing value is `null`. Fails on data that JSON cannot hold, such as a cycle. */
export function jsonText(value: Value): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return JSON.stringify(toText(value));
  try {
    return JSON.stringify(value, plain) ?? "null";
  } catch {
    throw new Failure("the value cannot be written as JSON");
  }
}
