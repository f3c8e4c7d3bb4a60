/** The page of all settings, made of the schemas by which each process judges its environment. */
import * as z from "zod";
import { PLACE_ENV } from "../cli/place.ts";
import { ENV as COLLECTOR } from "../functions/collector/config.ts";
import { ENV as DISPATCHER } from "../functions/dispatcher/config.ts";
import { ENV as EXECUTOR } from "../functions/executor/config.ts";
import { ENV as ROUTER } from "../functions/router/config.ts";
import { ENV as WEBHOOK } from "../functions/webhook/config.ts";
import { ENV as OPERATOR } from "../operator/config.ts";

const PROCESSES: Readonly<Record<string, z.ZodObject>> = {
  operator: OPERATOR,
  webhook: WEBHOOK,
  dispatcher: DISPATCHER,
  collector: COLLECTOR,
  executor: EXECUTOR,
  router: ROUTER,
};

type Setting = { readonly name: string; readonly type: string; readonly preset: string; readonly meaning: string };
type Row = Setting & { readonly readers: readonly string[] };
type JsonSchema = {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
};

function settingOf(name: string, schema: z.ZodType): Setting {
  const { description } = schema;
  if (description === undefined) throw new Error(`${name} has no description`);
  return { name, type: typeOf(schema), preset: presetOf(schema), meaning: description };
}

/** As it is written in the environment; what is read as a number has bounds only once it is one. */
function typeOf(schema: z.ZodType): string {
  const [written, read] = (["input", "output"] as const).map(
    (io) => z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema,
  );
  const { type = "text", format, enum: values, minimum, maximum } = { ...read, ...written };
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(", ");
  if (minimum !== undefined && maximum !== undefined) return `${type} ${minimum}–${maximum}`;
  if (format === "uri") return "http address";
  return type === "string" ? "text" : type;
}

function presetOf(schema: z.ZodType): string {
  const unset = schema.safeParse(undefined);
  if (!unset.success) return "required";
  return unset.data === undefined ? "" : `\`${String(unset.data as string | number | boolean)}\``;
}

function rows(): readonly Row[] {
  const found = new Map<string, Row>();
  for (const [reader, { shape }] of Object.entries(PROCESSES)) {
    for (const [name, schema] of Object.entries(shape)) {
      const setting = settingOf(name, schema as z.ZodType);
      const key = Object.values(setting).join("\n");
      found.set(key, { ...setting, readers: [...(found.get(key)?.readers ?? []), reader] });
    }
  }
  for (const [name, meaning] of Object.entries(PLACE_ENV))
    found.set(name, { name, type: "text", preset: "", meaning, readers: ["`ark`"] });
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function readersOf(readers: readonly string[]): string {
  if (readers.length === Object.keys(PROCESSES).length) return "all";
  const missing = Object.keys(PROCESSES).filter((name) => !readers.includes(name));
  return missing.join() === "operator" ? "all functions" : readers.join(", ");
}

/** What is read without a schema is told where it is explained. */
const INTRO = `# Settings

Variables of the processes' environments. Each process reads its own once; one that is wrong stops the start: all faults at once, each with its variable. An empty variable is an unset one.
On a cluster most stand in ConfigMap \`ark-config\` ([install.md](../install.md#settings)). \`ark up\` works with the defaults, and takes flags ([cli.md](cli.md)).
Beside them the functions read [OpenTelemetry's own](../operations.md#tracing), an executor and \`ark up\` the providers' keys ([operations.md](../operations.md#settings)), and \`ark\` reads \`KUBECONFIG\` as kubectl does.`;

export function settingsReference(): string {
  const lines = rows().map(({ name, readers, type, preset, meaning }) =>
    ["", `\`${name}\``, readersOf(readers), type, preset, meaning, ""].join(" | ").trim(),
  );
  const head = "| variable | read by | type | default | meaning |\n|---|---|---|---|---|";
  return `${INTRO}\n\n${head}\n${lines.join("\n")}\n`;
}
