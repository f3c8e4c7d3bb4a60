/** The filter dialects of a Knative Trigger (api 1, cloudevent.filters). */
import { isJsonObject } from "#core/json.ts";
import * as z from "zod";
import { exactlyOne, celOf, CEL_RULES } from "../rules.ts";

/** `all`, `any` and `not` nest, which a structural schema cannot say: it keeps what is inside them as it is. */
export type Filter = {
  readonly exact?: Readonly<Record<string, string>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly suffix?: Readonly<Record<string, string>>;
  readonly all?: readonly Filter[];
  readonly any?: readonly Filter[];
  readonly not?: Filter;
  readonly cesql?: string;
};

type Judge = (value: unknown, at: readonly (string | number)[]) => readonly Complaint[];
type Complaint = { readonly at: readonly (string | number)[]; readonly message: string };

/** Nesting deeper than any broker evaluates sensibly; it bounds the check. */
const MAX_DEPTH = 16;
const MAX_ITEMS = 16;
const MAX_ATTRIBUTES = 32;
const MAX_TEXT = 1024;

const textMap: Judge = (value, at) => {
  if (!isJsonObject(value)) return [{ at, message: "must map attributes to values" }];
  const entries = Object.entries(value);
  if (entries.length === 0 || entries.length > MAX_ATTRIBUTES) {
    return [{ at, message: `must have 1 to ${MAX_ATTRIBUTES} attributes` }];
  }
  return entries
    .filter(([, text]) => typeof text !== "string" || text.length > MAX_TEXT)
    .map(([name]) => ({ at: [...at, name], message: `must be text of at most ${MAX_TEXT} characters` }));
};

const filterList: Judge = (value, at) => {
  if (!Array.isArray(value)) return [{ at, message: "must be a list of filters" }];
  if (value.length === 0 || value.length > MAX_ITEMS) return [{ at, message: `must have 1 to ${MAX_ITEMS} filters` }];
  return value.flatMap((item, i) => judge(item, [...at, i]));
};

const cesql: Judge = (value, at) => {
  const fits = typeof value === "string" && value.trim() !== "" && value.length <= MAX_TEXT;
  return fits ? [] : [{ at, message: `must be a CESQL expression of at most ${MAX_TEXT} characters` }];
};

const DIALECTS: Readonly<Record<string, Judge>> = {
  exact: textMap,
  prefix: textMap,
  suffix: textMap,
  all: filterList,
  any: filterList,
  not: (value, at) => judge(value, at),
  cesql,
};

const ONE = `must have exactly one of ${Object.keys(DIALECTS).join(", ")}`;

function judge(value: unknown, at: readonly (string | number)[]): readonly Complaint[] {
  if (!isJsonObject(value)) return [{ at, message: ONE }];
  if (at.length > MAX_DEPTH) return [{ at, message: "filters are nested too deeply" }];
  const set = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const [dialect, inner] = set[0] ?? ["", undefined];
  const check = Object.hasOwn(DIALECTS, dialect) ? DIALECTS[dialect] : undefined;
  if (set.length !== 1 || check === undefined) return [{ at, message: ONE }];
  return check(inner, [...at, dialect]);
}

const attributes = (what: string) => ({
  description: what,
  type: "object",
  maxProperties: MAX_ATTRIBUTES,
  additionalProperties: { type: "string", maxLength: MAX_TEXT },
});
const opaque = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

export const FilterSchema = z
  .unknown()
  .check((payload) => {
    for (const { at, message } of judge(payload.value, [])) {
      payload.issues.push({ code: "custom", message, path: [...at], input: payload.value });
    }
  })
  .meta({
    type: "object",
    properties: {
      exact: attributes("Attributes that must equal these values."),
      prefix: attributes("Attributes that must start with these values."),
      suffix: attributes("Attributes that must end with these values."),
      all: { description: "Filters that must all match.", type: "array", maxItems: MAX_ITEMS, items: opaque },
      any: { description: "Filters of which one must match.", type: "array", maxItems: MAX_ITEMS, items: opaque },
      not: { description: "A filter that must not match.", ...opaque },
      cesql: { description: "A CloudEvents SQL expression that must hold.", type: "string", maxLength: MAX_TEXT },
    },
    [CEL_RULES]: [celOf(exactlyOne(["exact", "prefix", "suffix", "all", "any", "not", "cesql"], `a filter ${ONE}`))],
  }) as unknown as z.ZodType<Filter, Filter>;
