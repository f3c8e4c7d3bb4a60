/** The CustomResourceDefinition of a kind, as `crds/` holds it. Pure: the same table gives the same bytes. */
import { AGE, type Column, type KindInfo } from "./kinds.ts";
import { nameRule } from "./object-rules.ts";
import { CEL_RULES, celOf, type CelRule } from "./rules.ts";
import { structural, type JsonSchema, type StructuralFault } from "./structural.ts";
import { API_GROUP } from "./v1alpha1/common.ts";

export type CrdOutcome =
  | { readonly kind: "crd"; readonly name: string; readonly manifest: Readonly<Record<string, unknown>> }
  | { readonly kind: "refused"; readonly faults: readonly StructuralFault[] };

const VERSION = "v1alpha1";

function column({ name, jsonPath, type, wide }: Column): Readonly<Record<string, unknown>> {
  return { name, type, jsonPath, ...(wide === true ? { priority: 1 } : {}) };
}

function withRules(schema: JsonSchema, rules: readonly CelRule[]): JsonSchema {
  if (rules.length === 0) return schema;
  return { ...schema, [CEL_RULES]: [...(schema[CEL_RULES] ?? []), ...rules] };
}

/** The rules on the object stand at its root, the rule on changes at its spec. */
function wholeSchema(info: KindInfo, schema: JsonSchema): JsonSchema {
  const { spec, ...others } = schema.properties ?? {};
  const changes = info.specChange === undefined ? [] : [info.specChange];
  const ofSpec = [...info.specRules, ...changes].map((rule) => celOf(rule));
  const { apiVersion = {}, kind = {}, metadata = {}, status = {} } = others;
  const properties = { apiVersion, kind, metadata, spec: withRules(spec ?? {}, ofSpec), status };
  return withRules(
    { description: info.description, ...schema, properties },
    [nameRule(info.maxName), ...info.rules].map((rule) => celOf(rule)),
  );
}

export function customResourceDefinition(info: KindInfo): CrdOutcome {
  const outcome = structural(info.schema);
  if (outcome.kind === "refused") return outcome;
  const { kind, plural, singular, shortNames, scale } = info;
  const name = `${plural}.${API_GROUP}`;
  const manifest = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name, ...(info.receivesEvents === true && { labels: { "duck.knative.dev/addressable": "true" } }) },
    spec: {
      group: API_GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 ? { shortNames } : {}),
        categories: ["ark"],
      },
      scope: "Namespaced",
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: [...info.columns, AGE].map(column),
          subresources: { status: {}, ...(scale === undefined ? {} : { scale }) },
          schema: { openAPIV3Schema: wholeSchema(info, outcome.schema) },
        },
      ],
    },
  };
  return { kind: "crd", name, manifest };
}
