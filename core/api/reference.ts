/** The reference pages of the kinds, made of the same schemas as the CRDs. */
import { AGE, KINDS, type Column, type KindInfo } from "./kinds.ts";
import { nameRule } from "./object-rules.ts";
import { CEL_RULES, type CelRule } from "./rules.ts";
import { structural, type JsonSchema } from "./structural.ts";
import { API_VERSION } from "./v1alpha1/common.ts";

type Row = { readonly path: string; readonly required: boolean; readonly schema: JsonSchema };

/** Fields in declared order, each before those below it. `[]` is any item of a list, `[*]` any value of a map. */
function rows(schema: JsonSchema, path: string): readonly Row[] {
  if (schema.items !== undefined) return rows(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) return rows(schema.additionalProperties, `${path}[*]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const at = `${path}.${name}`;
    return [{ path: at, required: schema.required?.includes(name) === true, schema: inner }, ...rows(inner, at)];
  });
}

function typeName(schema: JsonSchema): string {
  if (schema.enum !== undefined) return "string";
  if (schema.items !== undefined) return `${typeName(schema.items)}[]`;
  if (schema.additionalProperties !== undefined) return `map of ${typeName(schema.additionalProperties)}`;
  if (schema.format === "date-time") return "time";
  if (schema["x-kubernetes-int-or-string"] === true) return "quantity";
  if (schema.type === undefined) return "object or text";
  return schema.format ?? schema.type;
}

function range(low: number | undefined, high: number | undefined, what: string): string[] {
  if (low === undefined && high === undefined) return [];
  if (low === undefined) return [`at most ${high} ${what}`];
  return [high === undefined ? `at least ${low} ${what}` : `${low}–${high} ${what}`];
}

/** A width is no bound worth telling. */
function numeric(schema: JsonSchema): string[] {
  const { minimum, maximum } = schema;
  return range(minimum === -2_147_483_648 ? undefined : minimum, maximum === 2_147_483_647 ? undefined : maximum, "");
}

function bounds(schema: JsonSchema): string {
  const parts = [
    ...(schema.enum === undefined ? [] : [schema.enum.map((value) => `\`${String(value)}\``).join(", ")]),
    ...numeric(schema),
    ...range(schema.minLength, schema.maxLength, "characters"),
    ...(schema.pattern === undefined ? [] : [`\`${schema.pattern}\``]),
    ...range(schema.minItems, schema.maxItems, "items"),
    ...range(undefined, schema.maxProperties, "keys"),
    ...(schema["x-kubernetes-list-type"] === "map" ? ["unique names"] : []),
  ];
  return parts.map((part) => part.trim()).join("; ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function line(...cells: readonly string[]): string {
  return `| ${cells.map(cell).join(" | ")} |`;
}

function specTable(schema: JsonSchema, path: string): string[] {
  return [
    "| field | type | required | default | bounds | meaning |",
    "|---|---|---|---|---|---|",
    ...rows(schema, path).map(({ path: at, required, schema: field }) => {
      const preset = field.default === undefined ? "" : `\`${JSON.stringify(field.default)}\``;
      return line(`\`${at}\``, typeName(field), required ? "yes" : "", preset, bounds(field), field.description ?? "");
    }),
  ];
}

function statusTable(schema: JsonSchema, path: string): string[] {
  return [
    "| field | type | meaning |",
    "|---|---|---|",
    ...rows(schema, path).map(({ path: at, schema: field }) =>
      line(
        `\`${at}\``,
        typeName(field),
        [field.description ?? "", closed(field)].filter((part) => part !== "").join(" "),
      ),
    ),
  ];
}

function closed(field: JsonSchema): string {
  return field.enum === undefined ? "" : `One of ${field.enum.map(String).join(", ")}.`;
}

/** Every rule with the place of the node that carries it. */
function rulesBelow(schema: JsonSchema, path: string): readonly string[] {
  const own = (schema[CEL_RULES] ?? []).map(({ message }) => line(`\`${path}\``, message));
  const inner = [
    ...(schema.items === undefined ? [] : rulesBelow(schema.items, `${path}[]`)),
    ...(schema.additionalProperties === undefined ? [] : rulesBelow(schema.additionalProperties, `${path}[*]`)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => rulesBelow(field, `${path}.${name}`)),
  ];
  return [...own, ...inner];
}

function rootRules(info: KindInfo): readonly string[] {
  const rules: readonly Pick<CelRule, "message">[] = [nameRule(info.maxName), ...info.rules];
  const changes = info.specChange === undefined ? [] : [info.specChange];
  const ofSpec = [...info.specRules, ...changes];
  return [
    ...rules.map(({ message }) => line("object", message)),
    ...ofSpec.map(({ message }) => line("`spec`", message)),
  ];
}

function columnLine({ name, jsonPath, type, wide }: Column): string {
  return line(wide === true ? `${name} (wide)` : name, `\`${jsonPath}\``, type);
}

function facts(info: KindInfo): string {
  const parts = [
    `API \`${API_VERSION}\``,
    `namespaced`,
    `\`kubectl get ${info.plural}\``,
    ...info.shortNames.map((name) => `short name \`${name}\``),
    "category `ark`",
    ...(info.scale === undefined ? [] : [`\`kubectl scale\` sets \`${info.scale.specReplicasPath.slice(1)}\``]),
  ];
  return `${parts.join(" · ")}.`;
}

function page(info: KindInfo): string {
  const outcome = structural(info.schema);
  if (outcome.kind === "refused") return "";
  const { spec = {}, status = {} } = outcome.schema.properties ?? {};
  return [
    `# ${info.kind}`,
    "",
    info.description,
    "",
    facts(info),
    "",
    "| column | JSONPath | type |",
    "|---|---|---|",
    ...[...info.columns, AGE].map(columnLine),
    "",
    "## Spec",
    "",
    ...specTable(spec, "spec"),
    "",
    "## Rules",
    "",
    "| at | rule |",
    "|---|---|",
    ...rootRules(info),
    ...rulesBelow(spec, "spec"),
    "",
    "## Status",
    "",
    ...statusTable(status, "status"),
    "",
  ].join("\n");
}

function index(infos: readonly KindInfo[]): string {
  return [
    "# Reference",
    "",
    "Every field of every kind. Unknown fields are refused; a field that is accepted works.",
    "Types: `time` is RFC 3339 in UTC; durations are Go's (`90s`, `1h30m`); templates are Go's text/template.",
    "",
    ...infos.map(({ kind, description }) => `- [${kind}](${kind.toLowerCase()}.md): ${description}`),
    "",
  ].join("\n");
}

/** File name → text. */
export function referencePages(): ReadonlyMap<string, string> {
  const infos = Object.values(KINDS);
  return new Map([
    ["README.md", index(infos)],
    ...infos.map((info): [string, string] => [`${info.kind.toLowerCase()}.md`, page(info)]),
  ]);
}
