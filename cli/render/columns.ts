/** Objects as rows under their kind's printer columns, as kubectl prints them. Pure. */
import { AGE, KINDS, type Column } from "#core/api/kinds.ts";
import type { ArkObject, Kind } from "#core/api/objects.ts";
import { table } from "./table.ts";
import { age, timeOf } from "./time.ts";

export type ColumnOptions = { readonly now: number; readonly wide: boolean; readonly namespaces: boolean };

export function objectTable(kind: Kind, objects: readonly ArkObject[], options: ColumnOptions): string {
  const columns = [...KINDS[kind].columns, AGE].filter((column) => options.wide || column.wide !== true);
  const heads = [...(options.namespaces ? ["Namespace"] : []), "Name", ...columns.map((column) => column.name)];
  const rows = objects.map((object) => [
    ...(options.namespaces ? [object.metadata.namespace ?? ""] : []),
    object.metadata.name ?? "",
    ...columns.map((column) => cell(column, valueAt(object, column.jsonPath), options.now)),
  ]);
  return table(heads, rows);
}

/** `.spec.source.type`: plain fields, which is all that our columns use. */
function valueAt(object: unknown, jsonPath: string): unknown {
  return jsonPath
    .split(".")
    .filter((key) => key !== "")
    .reduce<unknown>((node, key) => (isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined), object);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function cell(column: Column, value: unknown, now: number): string {
  if (typeof value === "string") return column.type === "date" ? dateCell(value, now) : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Times to come are said as such; kubectl prints `<invalid>` there. */
function dateCell(text: string, now: number): string {
  const at = timeOf(text);
  if (at === undefined) return text;
  return at > now ? `in ${age(at - now)}` : age(now - at);
}
