import { expect, test } from "vitest";
import type { StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { ArkEventSchema, type ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { eventChildren, notReady } from "./event-children.ts";
import { GRACE_MS, lookAtTicks, type TickWorld } from "./ticks.ts";
import { type RecordState, runAction } from "./run-action.ts";
import { runTurn } from "./run-turn.ts";
import { stepTurns } from "./step-turns.ts";
import { asRun } from "./run-record.ts";
import { LABELS, RUN_FINALIZER } from "#core/runs/run-object.ts";
import { type ChildView, childView, type RunView, stepGlance } from "./views.ts";

function event(source: unknown, spec: object = {}): ArkEvent {
  return ArkEventSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkEvent",
    metadata: { name: "e", namespace: "ns", uid: "u", creationTimestamp: "2026-01-01T00:00:30Z" },
    spec: { source, targets: [{ team: "t" }], ...spec },
  });
}

/** As an API server takes it: CEL alone has judged it. */
function untried(source: object): ArkEvent {
  const { spec, ...rest } = event({ type: "webhook" });
  return { ...rest, spec: { ...spec, source: source as ArkEvent["spec"]["source"] } };
}

const CLOUD_EVENT = { type: "cloudevent", cloudevent: { filters: [{ exact: { type: "a" } }] } };
const OUTPUT = { type: "team-output", teamOutput: { name: "up" } };
const CRON = { type: "cron", cron: "* * * * *" };

test.each([
  ["webhook", { type: "webhook" }, false, { trigger: true, pingSource: false, token: true }],
  ["webhook, suspended", { type: "webhook" }, true, { trigger: true, pingSource: false, token: true }],
  ["cron", CRON, false, { trigger: true, pingSource: true, token: false }],
  ["cron, suspended", CRON, true, { trigger: true, pingSource: false, token: false }],
  ["team-output", OUTPUT, false, { trigger: true, pingSource: false, token: false }],
  ["team-output, suspended", OUTPUT, true, { trigger: false, pingSource: false, token: false }],
  ["cloudevent, suspended", CLOUD_EVENT, true, { trigger: false, pingSource: false, token: false }],
])("C1: children of %s", (_name, source, suspended, wanted) => {
  expect(eventChildren(event(source, { suspended }))).toEqual(wanted);
});

test.each([
  ["a schedule", { type: "cron", cron: "0 0 30 2 *" }, { trigger: true, pingSource: false }],
  ["a zone", { type: "cron", cron: "0 6 * * *", timeZone: "Europe/Atlantis" }, { trigger: true, pingSource: false }],
  [
    "a filter",
    { type: "cloudevent", cloudevent: { filters: [{ not: { exact: {} } }] } },
    { trigger: false, pingSource: false },
  ],
])(
  "C2: children of an event whose source has %s that an API server takes and nothing else",
  (_what, source, wanted) => {
    expect(eventChildren(untried(source))).toEqual({ ...wanted, token: false });
  },
);

const child = (ready: ChildView["ready"]): ChildView => ({
  namespace: "ns",
  uid: "c",
  version: "1",
  labels: {},
  ready,
  url: undefined,
  replicas: 0,
});
const READY = child({ status: "True", reason: "", message: "" });

test.each([
  ["both ready", READY, READY, undefined],
  ["no Trigger yet", undefined, READY, "TriggerNotReady"],
  ["a Trigger that says nothing yet", child(undefined), READY, "TriggerNotReady"],
  ["no Broker", child({ status: "Unknown", reason: "BrokerDoesNotExist", message: "x" }), READY, "BrokerNotReady"],
  [
    "a PingSource without its sink",
    READY,
    child({ status: "False", reason: "NotFound", message: "x" }),
    "TriggerNotReady",
  ],
])("Ready of an event with %s", (_name, trigger, pingSource, reason) => {
  expect(notReady(eventChildren(event(CRON)), { trigger, pingSource })?.reason).toBe(reason);
});

test("a condition of an earlier generation says nothing", () => {
  const status = {
    observedGeneration: 1,
    conditions: [{ type: "Ready", status: "True" }],
    address: { url: "http://a" },
  };
  const object = { metadata: { name: "a", generation: 2 }, status };
  expect(childView(object).ready).toBeUndefined();
  expect(childView({ ...object, metadata: { name: "a", generation: 1 } })).toMatchObject({
    ready: { status: "True" },
    url: "http://a",
    version: "1",
  });
});

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);
const look = (spec: object, world: Partial<TickWorld> & { readonly now: number }) =>
  lookAtTicks(event(CRON, spec), { until: undefined, hasFired: () => false, runs: [], ...world });
const times = (ticks: readonly number[] | undefined) =>
  ticks?.map((tick) => new Date(tick).toISOString().slice(11, 19));

test("K2: a tick is missed only after its grace, and looked at once", () => {
  const early = look({}, { until: at("00:01:30"), now: at("00:02:05") });
  expect(times(early.missed)).toEqual([]);
  expect(early.againAt).toBe(at("00:02:00") + GRACE_MS);
  const late = look({}, { until: early.until, now: at("00:02:00") + GRACE_MS });
  expect(times(late.missed)).toEqual(["00:02:00"]);
  expect(late.againAt).toBe(at("00:03:00"));
  expect(times(look({}, { until: late.until, now: at("00:02:40") }).missed)).toEqual([]);
});

test("K1: a tick with a run has fired", () => {
  const hasFired = (tick: number) => tick === at("00:02:00");
  const world = { until: at("00:01:00"), now: at("00:03:30"), hasFired };
  expect(times(look({ startingDeadlineSeconds: 3_600 }, world).missed)).toEqual(["00:03:00"]);
});

test.each([
  ["unset: the newest, if it is young", undefined, "00:05:30", ["00:05:00"]],
  ["0: none", 0, "00:05:30", []],
  ["those inside, oldest first", 200, "00:05:30", ["00:02:00", "00:03:00", "00:04:00", "00:05:00"]],
])("startingDeadlineSeconds %s", (_name, deadline, now, wanted) => {
  const spec = deadline === undefined ? {} : { startingDeadlineSeconds: deadline };
  expect(times(look(spec, { until: at("00:00:30"), now: at(now) }).missed)).toEqual(wanted);
});

test("a schedule is in its own time zone", () => {
  const berlin = event({ type: "cron", cron: "30 6 * * *", timeZone: "Europe/Berlin" });
  const world = { until: at("00:01:00"), now: at("05:30:40"), hasFired: () => false, runs: [] };
  const seen = lookAtTicks(berlin, world);
  expect(times(seen.missed)).toEqual(["05:30:00"]);
  expect(seen.againAt).toBe(at("05:30:00") + 24 * 3_600_000);
});

test("K4, D33: nothing from before the event, nothing from while it was suspended", () => {
  expect(times(look({ startingDeadlineSeconds: 86_400 }, { now: at("00:01:30") }).missed)).toEqual(["00:01:00"]);
  const paused = look({ suspended: true }, { until: at("00:01:00"), now: at("00:09:00") });
  expect(paused).toEqual({ missed: [], until: at("00:09:00"), againAt: at("00:10:00") });
});

const run = (createdAt: string, completedAt?: string): RunView => ({
  namespace: "ns",
  name: "r",
  uid: "r",
  team: "t",
  agent: undefined,
  service: undefined,
  event: "e",
  eventKey: "k",
  isDerived: true,
  phase: completedAt === undefined ? "Running" : "Succeeded",
  outcome: undefined,
  createdAt: new Date(at(createdAt)).toISOString(),
  startedAt: undefined,
  completedAt: completedAt === undefined ? undefined : new Date(at(completedAt)).toISOString(),
  steps: undefined,
  cancelled: false,
  deleting: false,
  finalizers: [],
});

test.each([
  ["a run that goes on", [run("00:01:00")], []],
  ["a run that ended after the tick", [run("00:01:00", "00:02:03")], []],
  ["a run that ended before it", [run("00:01:00", "00:01:40")], ["00:02:00"]],
])("K3: Forbid and %s", (_name, runs, wanted) => {
  const world = { until: at("00:01:30"), now: at("00:02:30"), runs };
  expect(times(look({ concurrencyPolicy: "Forbid" }, world).missed)).toEqual(wanted);
  expect(times(look({}, world).missed)).toEqual(["00:02:00"]);
});

const NOW = at("00:10:00");
const fresh: RunView = { ...run("00:09:59"), phase: undefined, finalizers: [RUN_FINALIZER] };

test.each<[string, Partial<RunView>, RecordState, string]>([
  ["R1: no finalizer yet", { finalizers: [] }, "absent", "hold"],
  ["R3: of an event, just made", {}, "absent", "wait"],
  [
    "R3: of an event, and nobody announced it",
    { createdAt: new Date(at("00:09:00")).toISOString() },
    "absent",
    "start",
  ],
  ["made by hand", { isDerived: false }, "absent", "start"],
  ["going on", { phase: "Running" }, "running", "nothing"],
  ["cancelled while it goes on", { phase: "Running", cancelled: true }, "running", "cancel"],
  ["cancelled before it began", { isDerived: false, cancelled: true }, "absent", "start"],
  ["cancelled after its end changes nothing", { phase: "Failed", cancelled: true }, "ended", "nothing"],
  ["cancelled, its record gone: it is not begun anew", { phase: "Running", cancelled: true }, "absent", "cancel"],
  ["cancelled, its status not caught up", { phase: "Running", cancelled: true }, "ended", "nothing"],
  ["R2: deleted while it goes on", { phase: "Running", deleting: true }, "running", "cancel"],
  ["deleted after its end", { phase: "Succeeded", deleting: true }, "ended", "purge"],
  ["deleted before it began", { deleting: true }, "absent", "purge"],
  ["deleted, and somebody else's finalizer is left", { deleting: true, finalizers: ["x"] }, "absent", "nothing"],
])("a run %s", (_name, change, record, action) => {
  expect(runAction({ ...fresh, ...change }, record, NOW).kind).toBe(action);
});

test("a remembered run is told to the shared rules whole", () => {
  const view = { ...run("00:01:00", "00:03:00"), startedAt: "2026-01-01T00:02:00.000Z" };
  const metadata = { namespace: "ns", name: "r", uid: "r", creationTimestamp: "2026-01-01T00:01:00.000Z" };
  const status = { phase: "Succeeded", startTime: view.startedAt, completionTime: "2026-01-01T00:03:00.000Z" };
  expect(asRun(view)).toMatchObject({ metadata, spec: { teamRef: "t" }, status });
  expect(asRun(view).metadata).toEqual(metadata);
  const ofService = asRun({ ...fresh, team: undefined, agent: "a", service: "s", deleting: true });
  expect(ofService).toMatchObject({
    metadata: { labels: { [LABELS.service]: "s" } },
    spec: { agent: "a" },
    status: {},
  });
  expect(ofService.metadata).toHaveProperty("deletionTimestamp");
});

test.each<[string, Partial<RunView>, Partial<RunView>, string | undefined]>([
  ["starts", {}, { phase: "Running" }, "Normal RunStarted"],
  ["goes on", { phase: "Running" }, { phase: "Running" }, undefined],
  ["succeeds", { phase: "Running" }, { phase: "Succeeded" }, "Normal RunSucceeded"],
  ["fails", { phase: "Running" }, { phase: "Failed" }, "Warning RunFailed"],
  [
    "is out of time",
    { phase: "Running" },
    { phase: "Failed", outcome: { reason: "TimedOut", message: "x" } },
    "Warning RunTimedOut",
  ],
])("api 16: a run that %s", (_name, before, now, wanted) => {
  const turn = runTurn({ ...fresh, ...now }, { ...fresh, ...before });
  expect(turn === undefined ? undefined : `${turn.type} ${turn.reason}`).toBe(wanted);
  expect(runTurn({ ...fresh, ...now }, undefined)).toBeUndefined();
});

const WRITE: StepStatus = { name: "write", phase: "Running", attempts: 1 };

test.each<[string, Partial<StepStatus>, Partial<StepStatus>, string | undefined]>([
  ["goes on", {}, {}, undefined],
  ["begins", { phase: "Pending" }, { phase: "WarmingUp" }, undefined],
  ["succeeds", {}, { phase: "Succeeded" }, "Normal StepSucceeded step write: succeeded"],
  [
    "succeeds, and has something to say",
    {},
    { phase: "Succeeded", message: "contextPolicy: $.x leads to nothing" },
    "Normal StepSucceeded step write: succeeded; contextPolicy: ",
  ],
  ["succeeds between two looks", { phase: "Pending" }, { phase: "Succeeded", attempts: 2 }, "Normal StepSucceeded"],
  [
    "fails",
    {},
    { phase: "Failed", errorCode: "provider.auth", message: "no key" },
    "Warning StepFailed step write: provider.auth: no key",
  ],
  ["waits", {}, { phase: "Waiting", message: "retry 1 at x" }, "Normal StepWaiting step write: retry 1 at x"],
  ["is tried again", { phase: "Waiting" }, { attempts: 2 }, "Normal StepRetried step write: attempt 2"],
  ["is tried again between two looks", {}, { attempts: 2 }, "Normal StepRetried"],
  [
    "is refused by validation, and waits",
    {},
    { phase: "Waiting", validationAttempts: 1, validationMessage: "too short" },
    "Warning StepValidationFailed step write: too short",
  ],
  [
    "is refused by validation for good",
    { validationAttempts: 1 },
    { phase: "Failed", errorCode: "output.rejected", validationAttempts: 2, validationMessage: "too short" },
    "Warning StepValidationFailed",
  ],
  ["is skipped", { phase: "Pending" }, { phase: "Skipped" }, undefined],
])("api 16: a step that %s", (_name, before, now, wanted) => {
  const run = (step: Partial<StepStatus>): RunView => ({
    ...fresh,
    steps: { write: stepGlance({ ...WRITE, ...step }) },
  });
  const turns = stepTurns([{ ...WRITE, ...now }], run(before));
  expect(turns.map(({ type, reason, note }) => `${type} ${reason} ${note}`)).toEqual(
    wanted === undefined ? [] : [expect.stringMatching(new RegExp(`^${wanted}`))],
  );
  expect(stepTurns([{ ...WRITE, ...now }], undefined)).toEqual([]);
  expect(stepTurns([{ ...WRITE, ...now }], { ...run(before), steps: undefined })).toEqual([]);
});
