/** nats-server dies under load, again and again: nothing that was accepted is lost, nothing recorded is paid twice (P1, P3, P8). */
import { expect, test } from "vitest";
import { until } from "../../harness/ark.ts";
import { Lock } from "../../harness/lock.ts";
import { startWatched } from "../../harness/settled.ts";

const FIRES = 20;
const TARGETS = 5;
const STEPS = 2;
/** After so many calls of the model the server is killed. */
const KILLS = [10, 60, 110, 160] as const;

const YAML = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: desk }
spec:
  successfulRunsHistoryLimit: 1000
  failedRunsHistoryLimit: 1000
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { maxConcurrentTasks: 10 } }]
  pipeline:
    - { name: first, role: write, inputs: { prompt: Begin } }
    - { name: second, role: write, dependsOn: [first], inputs: { prompt: "After {{ .steps.first.output }}" } }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [${Array.from({ length: TARGETS }, () => "{ team: desk }").join(", ")}] }
`;

test("P1, P3, P8: nats-server killed four times with a hundred runs in flight", { timeout: 120_000 }, async () => {
  const moments = KILLS.map((calls) => new Lock(calls, 60_000));
  await using ark = await startWatched(YAML, (_request, index) => {
    for (const moment of moments) moment.unlock();
    return { text: `answer ${index}` };
  });
  const fired = Promise.all(Array.from({ length: FIRES }, (_, n) => ark.accept("hook", { n }, `fire-${n}`)));
  for (const moment of moments) {
    await moment.done;
    const pid = ark.local.natsPid();
    process.kill(pid, "SIGKILL");
    await until(async () => (ark.local.natsPid() === pid ? undefined : true), "another server");
  }
  await fired;
  const runs = await ark.settled();
  expect(runs).toHaveLength(FIRES * TARGETS);
  expect(new Set(runs.map(({ status }) => status?.phase))).toEqual(new Set(["Succeeded"]));
  expect(ark.model.requests().length).toBeGreaterThanOrEqual(FIRES * TARGETS * STEPS);
});
