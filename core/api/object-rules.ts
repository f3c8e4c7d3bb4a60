/** Rules on whole objects: names, and what may become of a stored run. Both forms side by side, as in `rules.ts`. */
import type { ChangeRule, Rule } from "./rules.ts";
import { givenInputStays, type ArkRunSpec } from "./v1alpha1/ark-run.ts";
import type { ArkTeam } from "./v1alpha1/ark-team.ts";
import { DNS_LABEL, MAX_NAME, type ObjectMeta } from "./v1alpha1/common.ts";

/** A run's name is `{team}-run-{suffix}`: longer than the team's, short enough for a label's value. */
export const MAX_RUN_NAME = 63;

/** What the API server adds to `generateName`. */
const GENERATED_SUFFIX = "xxxxx";
const MAX_GENERATED = 63;

/** The name, or one of the names that the server would generate. */
function nameOf(metadata: ObjectMeta): string {
  if (metadata.name !== undefined) return metadata.name;
  const stem = (metadata.generateName ?? "").slice(0, MAX_GENERATED - GENERATED_SUFFIX.length);
  return `${stem}${GENERATED_SUFFIX}`;
}

export function nameRule(max: number): Rule<{ readonly metadata: ObjectMeta }> {
  return {
    cel: `self.metadata.name.size() <= ${max} && self.metadata.name.matches('${DNS_LABEL.source}')`,
    message: `metadata.name must be a DNS label (lower-case letters, digits, dashes) of at most ${max} characters`,
    broken: ({ metadata }) => {
      const name = nameOf(metadata);
      if (name.length <= max && DNS_LABEL.test(name)) return [];
      return [["metadata", metadata.name === undefined ? "generateName" : "name"]];
    },
  };
}

/** An inline role becomes ArkAgent `{team}-{role}`, whose name has the same limit (condition NameTooLong). */
export const derivedNameRule: Rule<ArkTeam> = {
  cel: `!has(self.spec.roles) || self.spec.roles.all(role, !has(role.model) || self.metadata.name.size() + 1 + role.name.size() <= ${MAX_NAME})`,
  message: `NameTooLong: an inline role becomes ArkAgent {team}-{role}, which may have ${MAX_NAME} characters; shorten metadata.name or the role's name`,
  fieldPath: ".spec.roles",
  broken: ({ metadata, spec }) =>
    spec.roles.flatMap((role, i) =>
      role.model !== undefined && `${nameOf(metadata)}-${role.name}`.length > MAX_NAME
        ? [["spec", "roles", i, "name"]]
        : [],
    ),
};

/** Longer rings are found where the other teams are known. */
export const ownTeamRule: Rule<ArkTeam> = {
  cel: "!has(self.spec.roles) || self.spec.roles.all(role, !has(role.arkTeam) || role.arkTeam != self.metadata.name)",
  message: "roles may not contain the team itself",
  fieldPath: ".spec.roles",
  broken: ({ metadata, spec }) =>
    spec.roles.flatMap((role, i) =>
      role.arkTeam !== undefined && role.arkTeam === metadata.name ? [["spec", "roles", i, "arkTeam"]] : [],
    ),
};

/** Equal as JSON values; the order of keys does not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = entries(a);
  const right = new Map(entries(b));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && sameJson(value, right.get(key)));
}

function entries(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, inner]) => inner !== undefined);
}

/** A run made by hand, before the one write that gives it its snapshot: `teamRef` and `input` alone. */
export function isBare(spec: ArkRunSpec): boolean {
  if (spec.teamRef === undefined) return false;
  return Object.entries(spec).every(
    ([field, value]) => value === undefined || field === "teamRef" || field === "input",
  );
}

function isSnapshotOf(next: ArkRunSpec, stored: ArkRunSpec): boolean {
  return (
    isBare(stored) &&
    next.teamRef === stored.teamRef &&
    next.teamGeneration !== undefined &&
    givenInputStays.broken(next.input ?? {}, stored.input ?? {}).length === 0
  );
}

const SNAPSHOT_FIELDS = [
  "teamGeneration",
  "inputs",
  "pipeline",
  "roles",
  "output",
  "timeoutSeconds",
  "maxTokens",
  "limits",
  "defaultContextPolicy",
];

/** P5, with the one exception of api 4. What the exception asks of `input` is a rule of `spec.input`. */
export const runSpecRule: ChangeRule<ArkRunSpec> = {
  cel: [
    "self == oldSelf",
    `(has(oldSelf.teamRef) && ${SNAPSHOT_FIELDS.map((field) => `!has(oldSelf.${field})`).join(" && ")}` +
      " && has(self.teamRef) && self.teamRef == oldSelf.teamRef && has(self.teamGeneration)" +
      " && (!has(oldSelf.input) || has(self.input)))",
  ].join(" || "),
  message: "spec of an ArkRun is written once: make a new run",
  broken: (next, stored) => (sameJson(next, stored) || isSnapshotOf(next, stored) ? [] : [[]]),
};
