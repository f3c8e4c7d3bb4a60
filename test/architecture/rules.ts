/**
 * Who may import whom, as data. Every file of the product belongs to the first row whose `files` match; what a row
 * does not name, it may not import. A row may always import its own files, unless it says otherwise.
 */
import type { Import } from "./imports.ts";

export type Row = {
  readonly name: string;
  readonly files: RegExp;
  /** Files and packages. `zod` and, outside core, `node:*` are open to everyone. */
  readonly may: readonly RegExp[];
  /** Only by `import type`. */
  readonly mayAsType?: readonly RegExp[];
  /** Only by `import()`, or as a type. */
  readonly mayLazily?: readonly RegExp[];
};

const FOUNDATION = /^core\/(abort|causes|env|errors|json|outcome|duration|retry-after)\.ts$/;
const API = /^core\/api\//;
const EVENTS = /^core\/events\//;
const TEMPLATE = /^core\/template\//;
const PORTS = /^core\/ports\//;
const SCHEDULE = /^core\/schedule\//;
const CORE = /^core\//;
const LOCAL = /^local\//;
const DATA = [FOUNDATION, API, EVENTS, TEMPLATE, PORTS];

const platform = (...names: string[]) => new RegExp(`^platform/(${names.join("|")})/`);
const packages = (...names: string[]) => new RegExp(`^(${names.join("|")})$`);

/** One vendor, one door. */
const VENDORS: Readonly<Record<string, RegExp>> = {
  jetstream: /^(@nats-io\/.+|cloudevents)$/,
  kube: packages("@kubernetes/client-node"),
  http: packages("express", "cloudevents"),
  proxy: packages("http-proxy-3"),
  /** The operating system's process: `node:` alone. */
  process: packages(),
  openai: packages("openai"),
  mcp: packages("@modelcontextprotocol/client", "undici"),
  a2a: /^@a2a-js\/sdk(\/.+)?$/,
  telemetry: /^(pino|@opentelemetry\/.+)$/,
};

/** What the `main.ts` of a function joins; the executor loads its heavy clients while the task is being fetched. */
const FUNCTIONS: Readonly<Record<string, { eager: readonly string[]; lazy: readonly string[] }>> = {
  webhook: { eager: ["http", "jetstream", "process", "telemetry"], lazy: [] },
  dispatcher: { eager: ["http", "jetstream", "kube", "process", "telemetry"], lazy: [] },
  executor: { eager: ["http", "jetstream", "process", "telemetry"], lazy: ["openai", "mcp"] },
  collector: { eager: ["http", "jetstream", "kube", "process", "telemetry"], lazy: [] },
  router: { eager: ["a2a", "http", "jetstream", "process", "telemetry"], lazy: [] },
};

const CORE_ROWS: readonly Row[] = [
  { name: "core's foundation", files: FOUNDATION, may: [] },
  { name: "core/api", files: API, may: [FOUNDATION, packages("cron-parser")] },
  { name: "core/events", files: EVENTS, may: [FOUNDATION, API], mayAsType: [PORTS] },
  { name: "core/template", files: TEMPLATE, may: [FOUNDATION, packages("liquidjs")] },
  { name: "core/ports", files: PORTS, may: [FOUNDATION], mayAsType: [API, EVENTS, /^core\/(pipeline|agent)\//] },
  { name: "core/schedule", files: SCHEDULE, may: [FOUNDATION, API, packages("cron-parser")] },
  { name: "core/pipeline", files: /^core\/pipeline\//, may: DATA },
  { name: "core/agent", files: /^core\/agent\//, may: DATA, mayLazily: [packages("ajv", "ajv-formats", "re2js")] },
  { name: "core/routing", files: /^core\/routing\//, may: DATA },
  {
    name: "core/validate",
    files: /^core\/validate\//,
    may: [...DATA, /^core\/pipeline\/plan\.ts$/, /^core\/agent\/(pattern|schema-check|json-path)\.ts$/],
  },
  { name: "core/runs", files: /^core\/runs\//, may: DATA, mayAsType: [/^core\/pipeline\/state\.ts$/] },
  {
    name: "core/reconcile",
    files: /^core\/reconcile\//,
    may: [...DATA, SCHEDULE, /^core\/pipeline\/plan\.ts$/, /^core\/validate\/targets\.ts$/],
  },
];

const PLATFORM_ROWS: readonly Row[] = Object.entries(VENDORS).map(([name, vendor]) => ({
  name: `platform/${name}`,
  files: platform(name),
  may: [CORE, vendor, platform("telemetry")],
}));

const FUNCTION_ROWS: readonly Row[] = Object.entries(FUNCTIONS).flatMap(([name, { eager, lazy }]) => {
  const own = new RegExp(`^functions/${name}/`);
  const mayLazily = lazy.length > 0 ? [platform(...lazy)] : [];
  return [
    {
      name: `functions/${name}/main.ts`,
      files: new RegExp(`^functions/${name}/main\\.ts$`),
      may: [CORE, own, platform(...eager)],
      mayLazily,
    },
    { name: `functions/${name}`, files: own, may: [CORE], mayAsType: [/^platform\//] },
  ];
});

export const ROWS: readonly Row[] = [
  ...CORE_ROWS,
  ...PLATFORM_ROWS,
  ...FUNCTION_ROWS,
  {
    name: "operator",
    files: /^operator\//,
    may: [
      ...DATA,
      SCHEDULE,
      /^core\/(reconcile|runs)\//,
      /^core\/validate\/spec-faults\.ts$/,
      /^core\/agent\/(resolve|provider)\.ts$/,
      platform("kube", "jetstream", "http", "process", "proxy", "telemetry"),
    ],
    mayAsType: [/^@kubernetes-models\/knative$/],
  },
  {
    name: "local",
    files: LOCAL,
    may: [
      CORE,
      /^functions\/[^/]+\/(?!(main|config)\.ts$)/,
      platform("a2a", "jetstream", "http", "openai", "mcp", "process", "telemetry"),
      packages("yaml"),
    ],
  },
  {
    name: "cli",
    files: /^cli\//,
    may: [CORE, packages("commander", "yaml"), /^package\.json$/],
    mayLazily: [LOCAL, platform("kube")],
  },
  { name: "dashboard", files: /^dashboard\//, may: [], mayAsType: [API, EVENTS] },
];

/** Test, build and example code may import anything, and nothing of the product imports it. */
export const FREE = /^(scripts|test|bench|examples)\/|\.test\.ts$|^[^/]+\.config\.ts$/;

export function rowOf(file: string): Row | undefined {
  return ROWS.find((row) => row.files.test(file));
}

/** Why this import is forbidden, or undefined. */
export function fault({ from, to, kind }: Import): string | undefined {
  if (FREE.test(from)) return undefined;
  const row = rowOf(from);
  if (row === undefined) return `${from}: no row of test/architecture/rules.ts names this file`;
  const words = `${from}: ${row.name} may not import ${to}`;
  if (/(^|\/)main\.ts$/.test(to)) return `${words}: a main.ts acts when it is imported`;
  if (to === "zod" || row.files.test(to) || matches(row.may, to)) return undefined;
  if (to.startsWith("node:")) return CORE.test(from) ? `${words}: core is pure, declare a port` : undefined;
  if (matches(row.mayLazily, to)) return kind === "value" ? `${words}, except by import() or as a type` : undefined;
  if (matches(row.mayAsType, to)) return kind === "type" ? undefined : `${words}, except as a type`;
  return words;
}

function matches(patterns: readonly RegExp[] | undefined, to: string): boolean {
  return patterns?.some((pattern) => pattern.test(to)) ?? false;
}
