/**
 * Rules that join several fields, each written once with both its forms: CEL for the API server, a function for
 * everybody else. `ruled` hangs both on the same schema node, so that they cannot drift apart unseen; the corpus in
 * `test/fixtures/crd` holds them against a real API server.
 *
 * U1  The CEL form may be weaker than the function (CEL cannot say everything), never stronger.
 * U2  A message names the field.
 */
import * as z from "zod";

/** A place below the node that carries the rule; empty: the node itself. */
export type Place = readonly (string | number)[];

export type Rule<T> = {
  readonly cel: string;
  readonly message: string;
  /** Where the API server shows it, below the node: `.cron`. */
  readonly fieldPath?: string;
  /** Every place that breaks the rule; none: it holds. Never throws on a value of the schema's type. */
  readonly broken: (value: T) => readonly Place[];
  /** What the user may do about it, where the message cannot know. */
  readonly hint?: (value: T) => string;
};

/** Of a change: what may become of an object that is stored already. */
export type ChangeRule<T> = {
  readonly cel: string;
  readonly message: string;
  readonly broken: (next: T, stored: T) => readonly Place[];
};

/** As it stands in a CRD. */
export type CelRule = { readonly rule: string; readonly message: string; readonly fieldPath?: string };

export const CEL_RULES = "x-kubernetes-validations";

export function celOf(rule: Pick<Rule<never>, "cel" | "message" | "fieldPath">): CelRule {
  const { cel, message, fieldPath } = rule;
  return fieldPath === undefined ? { rule: cel, message } : { rule: cel, message, fieldPath };
}

function rulesOf(schema: z.ZodType): readonly CelRule[] {
  const found = schema.meta()?.[CEL_RULES];
  return Array.isArray(found) ? (found as CelRule[]) : [];
}

/** A value of another type than the schema's: no rule can look at it. Faults inside it of any other sort do not matter. */
function isTyped(payload: z.core.ParsePayload): boolean {
  return payload.issues.every(
    ({ code, input }) => code !== "invalid_type" && (code !== "invalid_value" || input !== undefined),
  );
}

/** The same schema, with rules in both forms. All that is wrong is said at once, not one layer at a time. */
export function ruled<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const judge = (value: z.output<S>, context: z.core.$RefinementCtx<z.output<S>>): void => {
    for (const { message, broken, hint } of rules) {
      const params = hint === undefined ? {} : { params: { hint: hint(value) } };
      for (const place of broken(value)) {
        context.addIssue({ code: "custom", message, path: [...place], input: value, ...params });
      }
    }
  };
  const checked = schema.check(z.superRefine(judge, { when: isTyped }));
  return checked.meta({ [CEL_RULES]: [...rulesOf(schema), ...rules.map((rule) => celOf(rule))] });
}

/** The CEL form of a rule on changes; its function is called by who knows the stored object. */
export function onChange<S extends z.ZodType>(schema: S, rule: ChangeRule<z.output<S>>): S {
  return schema.meta({ [CEL_RULES]: [...rulesOf(schema), celOf(rule)] });
}

/** A rule's function for the simple case: one condition, one place. */
export function unless<T>(holds: (value: T) => boolean, ...place: Place): (value: T) => readonly Place[] {
  return (value) => (holds(value) ? [] : [place]);
}

type Shaped = Readonly<Record<string, unknown>>;

export function has(value: Shaped, field: string): boolean {
  return value[field] !== undefined;
}

/** A CEL name: words that CEL reserves are written with underscores around them. */
function celField(field: string): string {
  return ["if", "loop", "for", "in", "const", "namespace"].includes(field) ? `__${field}__` : field;
}

export function celHas(field: string): string {
  return `has(self.${celField(field)})`;
}

/** Exactly one of `fields` is set. */
export function exactlyOne(fields: readonly [string, string, ...string[]], message: string): Rule<Shaped> {
  const [first, second, ...more] = fields;
  const cel =
    more.length === 0
      ? `${celHas(first)} != ${celHas(second)}`
      : `[${fields.map(celHas).join(", ")}].filter(set, set).size() == 1`;
  return { cel, message, broken: unless((value) => fields.filter((field) => has(value, field)).length === 1) };
}

export function atMostOne(first: string, second: string, message: string): Rule<Shaped> {
  return {
    cel: `!(${celHas(first)} && ${celHas(second)})`,
    message,
    broken: unless((value) => !(has(value, first) && has(value, second)), second),
  };
}

/** Places of the second and later items with a key that an earlier one has. */
export function repeated<T>(items: readonly T[], key: (item: T) => string, field: string): readonly Place[] {
  const seen = new Set<string>();
  return items.flatMap((item, i) => {
    const name = key(item);
    if (seen.has(name)) return [[i, field]];
    seen.add(name);
    return [];
  });
}

/** A list whose items are told apart by `name`: the API server keeps it as a map, server-side apply merges it. */
export function uniqueNames<S extends z.ZodType<readonly { readonly name: string }[], unknown>>(schema: S): S {
  const judge = (items: z.output<S>, context: z.core.$RefinementCtx<z.output<S>>): void => {
    for (const place of repeated(items, (item) => item.name, "name")) {
      context.addIssue({ code: "custom", message: "is used twice; names are unique", path: [...place], input: items });
    }
  };
  const checked = schema.check(z.superRefine(judge, { when: isTyped }));
  return checked.meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
}

/** A list of different texts: the API server keeps it as a set. */
export function uniqueItems<S extends z.ZodType<readonly string[], unknown>>(schema: S): S {
  const checked = schema.check((payload) => {
    const items = payload.value;
    for (const [i, item] of items.entries()) {
      if (items.indexOf(item) === i) continue;
      payload.issues.push({ code: "custom", message: "stands in the list twice", path: [i], input: items });
    }
  });
  return checked.meta({ "x-kubernetes-list-type": "set" });
}

/** A map of bounded size with keys of bounded length; structural schemas cannot bound keys, so a rule does. */
export function boundedMap<V extends z.ZodType>(
  value: V,
  bounds: { readonly keys: number; readonly keyLength: number },
): z.ZodRecord<z.ZodString, V> {
  const { keys, keyLength } = bounds;
  const sized = z.record(z.string(), value).check((payload) => {
    const count = Object.keys(payload.value).length;
    if (count <= keys) return;
    payload.issues.push({ code: "too_big", origin: "object", maximum: keys, inclusive: true, input: payload.value });
  });
  return ruled(sized.meta({ maxProperties: keys }), {
    cel: `self.all(key, key.size() > 0 && key.size() <= ${keyLength})`,
    message: `keys must have 1 to ${keyLength} characters`,
    broken: (map) =>
      Object.keys(map)
        .filter((key) => key.length === 0 || key.length > keyLength)
        .map((key) => [key]),
  });
}
