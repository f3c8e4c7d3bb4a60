/**
 * The kinds, as their CustomResourceDefinitions declare them (api 1–6): names, columns, subresources, schema, and the
 * rules that need the whole object or its stored version.
 */
import type * as z from "zod";
import { type Kind, PLURALS } from "./objects.ts";
import { derivedNameRule, MAX_RUN_NAME, ownTeamRule, runSpecRule } from "./object-rules.ts";
import type { ChangeRule, Rule } from "./rules.ts";
import { ArkAgentSchema } from "./v1alpha1/ark-agent.ts";
import { ArkEventSchema } from "./v1alpha1/ark-event.ts";
import { ArkRunSchema } from "./v1alpha1/ark-run.ts";
import { ArkServiceSchema } from "./v1alpha1/ark-service.ts";
import { ArkSettingsSchema } from "./v1alpha1/ark-settings.ts";
import { ArkTeamSchema, graphRules } from "./v1alpha1/ark-team.ts";
import { MAX_NAME } from "./v1alpha1/common.ts";

export type Column = {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  /** Shown by `-o wide` only. */
  readonly wide?: true;
};

export type KindInfo = {
  readonly kind: Kind;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** One sentence, for `kubectl explain` and the reference. */
  readonly description: string;
  /** Without Age, which ends the columns of every kind. */
  readonly columns: readonly Column[];
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string };
  readonly schema: z.ZodType;
  /** Its `status.address` takes CloudEvents: Knative finds the kind by a label. */
  readonly receivesEvents?: true;
  /** Longest `metadata.name`; a DNS label always. */
  readonly maxName: number;
  /** Further rules on the whole object and on its spec, after it has passed `schema`. */
  readonly rules: readonly Rule<never>[];
  readonly specRules: readonly Rule<never>[];
  /** On a change of the spec. */
  readonly specChange?: ChangeRule<never>;
};

const text = (name: string, jsonPath: string): Column => ({ name, jsonPath, type: "string" });
const integer = (name: string, jsonPath: string): Column => ({ name, jsonPath, type: "integer" });
const date = (name: string, jsonPath: string): Column => ({ name, jsonPath, type: "date" });
const wide = (column: Column): Column => ({ ...column, wide: true });

export const AGE: Column = date("Age", ".metadata.creationTimestamp");

export const KINDS: Readonly<Record<Kind, KindInfo>> = {
  ArkEvent: {
    kind: "ArkEvent",
    plural: PLURALS.ArkEvent,
    singular: "arkevent",
    shortNames: [],
    description: "An event source, and the teams or agents it starts.",
    columns: [
      text("Type", ".spec.source.type"),
      { name: "Suspended", jsonPath: ".spec.suspended", type: "boolean" },
      integer("Fired", ".status.firedCount"),
      date("Last Fired", ".status.lastFiredAt"),
      date("Next Fire", ".status.nextFireAt"),
    ],
    schema: ArkEventSchema,
    maxName: MAX_NAME,
    rules: [],
    specRules: [],
  },
  ArkTeam: {
    kind: "ArkTeam",
    plural: PLURALS.ArkTeam,
    singular: "arkteam",
    shortNames: [],
    description:
      "Roles, and how they work together. It never runs because it was applied: an ArkEvent, an event sent to its address, ark trigger or an ArkRun starts it.",
    columns: [
      text("Phase", ".status.phase"),
      text("Last Run", ".status.lastRunPhase"),
      text("Entry", ".status.entryRole"),
    ],
    schema: ArkTeamSchema,
    receivesEvents: true,
    maxName: MAX_NAME,
    rules: [derivedNameRule, ownTeamRule],
    specRules: graphRules,
  },
  ArkAgent: {
    kind: "ArkAgent",
    plural: PLURALS.ArkAgent,
    singular: "arkagent",
    shortNames: [],
    description: "A model, its instructions, its tools and its limits.",
    columns: [
      text("Model", ".spec.model"),
      integer("Replicas", ".spec.replicas"),
      integer("Ready", ".status.readyReplicas"),
      integer("Tokens(24h)", ".status.dailyTokenUsage.totalTokens"),
      wide(integer("Desired", ".status.desiredReplicas")),
      wide(integer("Pending", ".status.pendingTasks")),
    ],
    scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
    schema: ArkAgentSchema,
    receivesEvents: true,
    maxName: MAX_NAME,
    rules: [],
    specRules: [],
  },
  ArkRun: {
    kind: "ArkRun",
    plural: PLURALS.ArkRun,
    singular: "arkrun",
    shortNames: ["aorun"],
    description: "The immutable record of one execution of a team or an agent.",
    columns: [
      text("Team", ".spec.teamRef"),
      text("Phase", ".status.phase"),
      integer("Tokens", ".status.totalTokenUsage.totalTokens"),
      date("Started", ".status.startTime"),
      wide(text("Agent", ".spec.agent")),
      wide(text("Cost($)", ".status.totalCostUSD")),
    ],
    schema: ArkRunSchema,
    maxName: MAX_RUN_NAME,
    rules: [],
    specRules: graphRules,
    specChange: runSpecRule,
  },
  ArkService: {
    kind: "ArkService",
    plural: PLURALS.ArkService,
    singular: "arkservice",
    shortNames: ["aosvc"],
    description: "A door for tasks from outside, over HTTP or A2A, to the ready instances of one agent.",
    columns: [
      text("Agent", ".spec.selector.arkAgent"),
      text("Strategy", ".spec.routing.strategy"),
      integer("Ready", ".status.readyReplicas"),
    ],
    schema: ArkServiceSchema,
    maxName: MAX_NAME,
    rules: [],
    specRules: [],
  },
  ArkSettings: {
    kind: "ArkSettings",
    plural: PLURALS.ArkSettings,
    singular: "arksettings",
    shortNames: [],
    description: "Shared model settings and prompt parts, which agents refer to.",
    columns: [text("Memory", ".spec.memoryBackend"), text("OutputFormat", ".spec.outputFormat")],
    schema: ArkSettingsSchema,
    maxName: MAX_NAME,
    rules: [],
    specRules: [],
  },
};

export function isKind(text: unknown): text is Kind {
  return typeof text === "string" && Object.hasOwn(KINDS, text);
}
