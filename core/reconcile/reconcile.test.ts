import { expect, test } from "vitest";
import { ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { type ArkEvent, ArkEventSchema } from "#core/api/v1alpha1/ark-event.ts";
import { type ArkRun, ArkRunSchema } from "#core/api/v1alpha1/ark-run.ts";
import { type ArkTeam, ArkTeamSchema } from "#core/api/v1alpha1/ark-team.ts";
import { agentStatus } from "./agent.ts";
import { withCondition } from "./conditions.ts";
import { eventStatus, triggerRecord } from "./event.ts";
import { prunable, prunableTeamless } from "./retention.ts";
import { roleAgents } from "./role-agents.ts";
import { type TeamRuns, teamStatus } from "./team-status.ts";
import { judgeTeam } from "./team-verdict.ts";

const apiVersion = "arkonis.dev/v1alpha1";
const now = Date.parse("2026-11-21T10:00:30Z");

function team(name: string, spec: object = {}): ArkTeam {
  return ArkTeamSchema.parse({
    apiVersion,
    kind: "ArkTeam",
    metadata: { name, namespace: "ai", uid: `uid-${name}`, generation: 3 },
    spec: { roles: [{ name: "write", model: "mock", systemPrompt: "x" }], pipeline: [{ role: "write" }], ...spec },
  });
}

function run(name: string, phase: string, completionTime: string): ArkRun {
  const metadata = { name, namespace: "ai" };
  return ArkRunSchema.parse({
    apiVersion,
    kind: "ArkRun",
    metadata,
    spec: { teamRef: "a" },
    status: { phase, completionTime },
  });
}

function judge(one: ArkTeam, teams: readonly ArkTeam[] = [], agents: readonly string[] = []) {
  return judgeTeam(one, {
    faults: [],
    hasAgent: (name) => agents.includes(name),
    team: (name) => [one, ...teams].find((other) => other.metadata.name === name),
  });
}

test("an inline role becomes an agent that the team owns; references do not", () => {
  const roles = [
    { name: "write", model: "mock", systemPrompt: "x" },
    { name: "edit", arkAgent: "editor" },
  ];
  const [agent, ...more] = roleAgents(team("blog", { roles }));
  expect(more).toEqual([]);
  expect(agent).toMatchObject({
    metadata: {
      name: "blog-write",
      labels: { "arkonis.dev/team": "blog", "arkonis.dev/role": "write" },
      ownerReferences: [{ kind: "ArkTeam", name: "blog", uid: "uid-blog", controller: true }],
    },
    spec: { model: "mock", systemPrompt: "x", replicas: 1 },
  });
});

test("a team that cannot run says which field is the reason", () => {
  const refers = (role: object) => team("a", { roles: [{ name: "write", ...role }] });
  expect(judge(team("a"))).toMatchObject({ status: "True", reason: "Validated" });
  expect(judge(refers({ arkAgent: "gone" }))).toMatchObject({
    reason: "AgentNotFound",
    message: 'spec.roles[0].arkAgent: no ArkAgent "gone"',
  });
  expect(judge(refers({ arkTeam: "gone" }))).toMatchObject({ reason: "TeamNotFound" });
  const long = team("a-team-with-a-really-long-name-of-36-chr", {
    roles: [{ name: "write", model: "mock", systemPrompt: "x" }],
  });
  expect(judge(long)).toMatchObject({ reason: "NameTooLong" });
});

test("teams that run inside each other are refused", () => {
  const plain = { name: "edit", model: "mock", systemPrompt: "x" };
  const outer = team("outer", { roles: [{ name: "write", arkTeam: "inner" }, plain] });
  const inner = team("inner", { roles: [{ name: "write", arkTeam: "outer" }] });
  expect(judge(outer, [inner])).toMatchObject({ reason: "InvalidDAG" });
  expect(judge(outer, [team("inner")])).toMatchObject({ reason: "Validated" });
});

test("a team's phase follows its newest run", () => {
  const valid = { status: "True", reason: "Validated", message: "" } as const;
  const of = (runs: TeamRuns) => teamStatus(team("a"), { verdict: valid, runs, agent: () => undefined, now });
  expect(of({ active: false })).toMatchObject({ phase: "Ready", entryRole: "write" });
  expect(of({ active: true }).phase).toBe("Running");
  const backwards = [{ role: "write", name: "last", dependsOn: ["edit"] }, { role: "edit" }];
  const roles = [...team("a").spec.roles, { name: "edit", arkAgent: "editor" }];
  const other = team("a", { roles, pipeline: backwards });
  const world = { verdict: valid, runs: { active: false }, agent: () => undefined, now };
  expect(teamStatus(other, world).entryRole).toBe("edit");
  const ended = run("a-run-1", "Failed", "2026-11-21T09:00:00Z");
  expect(of({ active: false, newest: ended })).toMatchObject({
    phase: "Failed",
    lastRunName: "a-run-1",
    lastRunPhase: "Failed",
    lastActiveTime: "2026-11-21T09:00:00Z",
  });
});

test("api 2: a team shows of each role what its agent has and calls for", () => {
  const roles = [
    { name: "write", model: "mock", systemPrompt: "x" },
    { name: "edit", arkAgent: "editor" },
    { name: "print", arkTeam: "press" },
    { name: "bind", arkAgent: "gone" },
  ];
  const instances = { "a-write": [1, 3], editor: [0, 0] } as Readonly<Record<string, readonly [number, number]>>;
  const agent = (name: string) => {
    const [readyReplicas, desiredReplicas] = instances[name] ?? [];
    if (readyReplicas === undefined) return undefined;
    return ArkAgentSchema.parse({
      apiVersion,
      kind: "ArkAgent",
      metadata: { name, namespace: "ai" },
      spec: { model: "mock", systemPrompt: "x" },
      status: { readyReplicas, desiredReplicas },
    });
  };
  const verdict = { status: "True", reason: "Validated", message: "" } as const;
  expect(teamStatus(team("a", { roles }), { verdict, runs: { active: false }, agent, now }).roles).toEqual([
    { name: "write", readyReplicas: 1, desiredReplicas: 3, managedArkAgent: "a-write" },
    { name: "edit", readyReplicas: 0, desiredReplicas: 0 },
    { name: "print" },
    { name: "bind" },
  ]);
});

test("history limits count each phase apart; runRetainFor goes by age", () => {
  const limited = team("a", { successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 0 });
  const runs = [
    run("old", "Succeeded", "2026-11-21T08:00:00Z"),
    run("new", "Succeeded", "2026-11-21T10:00:00Z"),
    run("bad", "Failed", "2026-11-21T10:00:00Z"),
  ];
  expect(prunable(limited.spec, runs, now, undefined).toSorted()).toEqual(["bad", "old"]);
  expect(prunable(team("a").spec, runs, now, undefined)).toEqual([]);
  expect(prunable(team("a").spec, runs, now, 3_600_000)).toEqual(["old"]);
});

test("T1, T2: of runs of no team, as many stay of each agent and each service as of a team that says nothing", () => {
  const ended = (name: string, phase: "Succeeded" | "Failed", minutesAgo: number, more: object) => ({
    ...run(name, phase, new Date(now - minutesAgo * 60_000).toISOString()),
    ...more,
  });
  const of = (agent: string, count: number, phase: "Succeeded" | "Failed", minutesAgo: number, service?: string) =>
    Array.from({ length: count }, (_, n) => {
      const name = `${service ?? agent}-${phase}-${minutesAgo + n}`;
      const labels = service === undefined ? {} : { labels: { "arkonis.dev/service": service } };
      return ended(name, phase, minutesAgo + n, { metadata: { namespace: "ai", name, ...labels }, spec: { agent } });
    });
  const names = (runs: Parameters<typeof prunableTeamless>[0]) => prunableTeamless(runs, now).map(({ name }) => name);
  const old = [...of("a", 12, "Succeeded", 60), ...of("a", 4, "Failed", 60), ...of("b", 10, "Succeeded", 60)];
  expect(names(old)).toEqual(["a-Succeeded-70", "a-Succeeded-71", "a-Failed-63"]);
  expect(names([...old, ...of("a", 11, "Succeeded", 60, "s")])).toContain("s-Succeeded-70");
  expect(names(of("a", 30, "Succeeded", 0)).toSorted()).toEqual(
    Array.from({ length: 19 }, (_, n) => `a-Succeeded-${n + 11}`).toSorted(),
  );
  expect(names(old.map((one) => ({ ...one, spec: { teamRef: "a" } })))).toEqual([]);
});

const cron = (spec: object = {}) =>
  ArkEventSchema.parse({
    apiVersion,
    kind: "ArkEvent",
    metadata: { name: "nightly", namespace: "ai", generation: 2, uid: "u" },
    spec: { source: { type: "cron", cron: "0 * * * *" }, targets: [{ team: "blog", input: { a: "1" } }], ...spec },
  });
const world = { team: () => team("blog"), hasAgent: () => false, webhookBase: "http://x", now };

test("an event says when it fires next, and nothing while it is suspended", () => {
  expect(eventStatus(cron(), world)).toMatchObject({ nextFireAt: "2026-11-21T11:00:00Z", firedCount: 0 });
  const suspended = eventStatus(cron({ suspended: true }), world);
  expect(suspended).not.toHaveProperty("nextFireAt");
  expect(suspended.conditions).toMatchObject([{ type: "Ready", status: "False", reason: "Suspended" }]);
});

test("api 1: the next fire is told in the schedule's own time zone", () => {
  const source = { type: "cron", cron: "30 6 * * *", timeZone: "America/New_York" };
  expect(eventStatus(cron({ source }), world)).toMatchObject({ nextFireAt: "2026-11-21T11:30:00Z" });
});

test("api 1: dead letters are told of from the first one on, and that none is left", () => {
  const lost = (deadLetters: number, before?: ArkEvent["status"]) => {
    const one = { ...cron(), ...(before !== undefined && { status: before }) };
    return eventStatus(one, { ...world, deadLetters });
  };
  const told = (status: ArkEvent["status"]) => status?.conditions?.find(({ type }) => type === "DeadLetters");
  expect(told(lost(0))).toBeUndefined();
  const two = lost(2);
  expect(two).toMatchObject({ deadLetters: 2 });
  expect(told(two)).toMatchObject({ status: "True", message: expect.stringContaining("ark replay nightly -n ai") });
  expect(told(lost(1, two))).toMatchObject({ status: "True", message: expect.stringContaining("dispatched: 1;") });
  expect(told(lost(0, two))).toMatchObject({ status: "False", reason: "NoneLeft" });
});

test("an event whose target is missing is not ready, and says which", () => {
  const { conditions } = eventStatus(cron(), { ...world, team: () => undefined });
  expect(conditions).toMatchObject([
    { reason: "TeamNotFound", message: expect.stringContaining("spec.targets[0].team") },
  ]);
});

test.each([
  [
    "a schedule that never comes",
    { type: "cron", cron: "0 0 30 2 *" },
    {},
    "InvalidCron",
    "spec.source.cron: day of month, char",
  ],
  [
    "a zone that is none",
    { type: "cron", cron: "0 6 * * *", timeZone: "Europe/Atlantis" },
    {},
    "InvalidSource",
    "spec.source.timeZone: ",
  ],
  [
    "a filter that says nothing",
    { type: "cloudevent", cloudevent: { filters: [{ not: { exact: {} } }] } },
    {},
    "InvalidSource",
    "spec.source.cloudevent.filters[0].not.exact: ",
  ],
  [
    "a template that does not compile",
    { type: "webhook" },
    { targets: [{ team: "blog", input: { topic: "a\n{{ .trigger.name" } }] },
    "InvalidTemplate",
    "spec.targets[0].input.topic: line 2, column ",
  ],
])("D45, api 1: an event with %s, which an API server takes, is not ready", (_what, source, spec, reason, words) => {
  const good = cron();
  const bad = { ...good, spec: { ...good.spec, ...spec, source } } as ArkEvent;
  const status = eventStatus(bad, world);
  expect(status.conditions).toMatchObject([{ type: "Ready", status: "False", reason }]);
  expect(status.conditions?.[0]?.message).toContain(words);
});

test("the webhook's record knows a target's declared inputs", () => {
  const declared = team("blog", { inputs: [{ name: "topic", required: true }], input: { tone: "dry" } });
  expect(triggerRecord(cron(), () => declared, "sha256:00")).toMatchObject({
    type: "cron",
    tokenDigest: "sha256:00",
    targets: [{ team: "blog", hasInput: true, inputs: [{ name: "topic", required: true }], defaults: ["tone"] }],
  });
});

test("a condition's transition time moves with its status alone", () => {
  const first = withCondition(
    undefined,
    "Ready",
    { status: "True", reason: "A", message: "" },
    { now: 0, generation: 1 },
  );
  const same = withCondition(first, "Ready", { status: "True", reason: "B", message: "" }, { now, generation: 2 });
  expect(same).toMatchObject([{ reason: "B", lastTransitionTime: "1970-01-01T00:00:00Z", observedGeneration: 2 }]);
  const moved = withCondition(same, "Ready", { status: "False", reason: "C", message: "" }, { now, generation: 2 });
  expect(moved[0]?.lastTransitionTime).toBe("2026-11-21T10:00:30Z");
});

test("D26: an agent with a validator prompt tells what it said last; what nobody knows any more stays", () => {
  const livenessProbe = { validatorPrompt: "Say HEALTHY", intervalSeconds: 30 };
  const agentOf = (spec: object, status?: object) =>
    ArkAgentSchema.parse({
      apiVersion,
      kind: "ArkAgent",
      metadata: { name: "writer", namespace: "ai", generation: 1 },
      spec: { model: "mock", systemPrompt: "x", ...spec },
      ...(status !== undefined && { status }),
    });
  const seen = { ready: 2, desired: 0, pendingTasks: 0, now };
  const healthOf = ({ conditions }: ReturnType<typeof agentStatus>) =>
    conditions?.find(({ type }) => type === "Healthy");
  expect(healthOf(agentStatus(agentOf({}), seen))).toBeUndefined();
  expect(healthOf(agentStatus(agentOf({ livenessProbe: { ...livenessProbe, type: "ping" } }), seen))).toBeUndefined();
  const unasked = agentStatus(agentOf({ livenessProbe }), seen);
  expect(healthOf(unasked)).toMatchObject({ status: "Unknown", reason: "NotProbed" });
  const unwell = agentStatus(agentOf({ livenessProbe }), { ...seen, probed: { healthy: false, at: now } });
  expect(unwell).toMatchObject({ replicas: 2, readyReplicas: 0, lastProbe: { healthy: false } });
  expect(healthOf(unwell)).toMatchObject({ status: "False", reason: "ProbeFailed" });
  const asleep = agentStatus(agentOf({ livenessProbe }, unwell), { ...seen, ready: 0 });
  expect(asleep.lastProbe).toEqual({ time: "2026-11-21T10:00:30Z", healthy: false });
  expect(healthOf(asleep)).toMatchObject({ status: "False", reason: "ProbeFailed" });
  const well = agentStatus(agentOf({ livenessProbe }, unwell), { ...seen, probed: { healthy: true, at: now } });
  expect(well).toMatchObject({ readyReplicas: 2 });
  expect(healthOf(well)).toMatchObject({ status: "True", reason: "ProbePassed" });
});

test("D27: of MCP servers an agent shows what was told last, as long as its spec names them", () => {
  const wiki = { name: "wiki", url: "https://wiki/mcp", timeoutSeconds: 30 };
  const agentOf = (mcpServers: object[], status?: object) =>
    ArkAgentSchema.parse({
      apiVersion,
      kind: "ArkAgent",
      metadata: { name: "writer", namespace: "ai", generation: 1 },
      spec: { model: "mock", systemPrompt: "x", mcpServers },
      ...(status !== undefined && { status }),
    });
  const world = { ready: 0, desired: 0, pendingTasks: 0, now };
  const degraded = ({ conditions }: ReturnType<typeof agentStatus>) =>
    conditions?.find(({ type }) => type === "MCPDegraded");
  expect(degraded(agentStatus(agentOf([]), world))).toBeUndefined();
  const down = { name: "wiki", url: "https://wiki/mcp", healthy: false, message: "away", at: now, since: now - 5_000 };
  const told = agentStatus(agentOf([wiki]), { ...world, servers: [down] });
  expect(told.mcpServers?.map(({ message }) => message)).toEqual(["since 2026-11-21T10:00:25Z: away"]);
  // The store forgets; the status does not.
  const later = agentStatus(agentOf([wiki], told), { ...world, now: now + 1e9, servers: [] });
  expect(later.mcpServers).toEqual(told.mcpServers);
  expect(degraded(later)).toEqual(degraded(told));
  const moved = agentStatus(agentOf([{ ...wiki, url: "https://other/mcp" }], told), { ...world, servers: [down] });
  expect(moved.mcpServers).toBeUndefined();
  expect(degraded(moved)).toMatchObject({ status: "Unknown", reason: "NotTried" });
  const gone = agentStatus(agentOf([], told), { ...world, servers: [down] });
  expect([gone.mcpServers, degraded(gone)]).toEqual([undefined, undefined]);
});
