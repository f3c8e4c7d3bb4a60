import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { RunsByTeam } from "./team-runs.ts";

function run(name: string, second: number, phase?: "Running" | "Succeeded", team = "a"): ArkRun {
  return {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkRun",
    metadata: { name, namespace: "default", creationTimestamp: `2026-01-01T00:00:0${second}Z` },
    spec: { teamRef: team },
    ...(phase !== undefined && { status: { phase } }),
  } as ArkRun;
}

const newest = (runs: RunsByTeam, team = "default/a") => runs.of(team).newest?.metadata.name;

test("I1: the newest run is the one created last, in the form it was told last", () => {
  const runs = new RunsByTeam();
  for (const one of [run("x", 1), run("z", 3), run("y", 2), run("other", 9, "Running", "b")]) runs.set(one);
  expect(newest(runs)).toBe("z");
  runs.set(run("z", 3, "Succeeded"));
  expect(runs.of("default/a").newest?.status?.phase).toBe("Succeeded");
  runs.set(run("w", 3));
  expect(newest(runs)).toBe("z");
  runs.delete(run("z", 3));
  expect(newest(runs)).toBe("w");
  for (const one of [run("w", 3), run("x", 1), run("y", 2)]) runs.delete(one);
  expect(runs.of("default/a")).toEqual({ active: false });
  expect(newest(runs, "default/b")).toBe("other");
});

test("a team is active while any of its runs has not ended", () => {
  const runs = new RunsByTeam();
  runs.set(run("x", 1));
  runs.set(run("y", 2, "Running"));
  runs.set(run("x", 1, "Succeeded"));
  expect(runs.of("default/a").active).toBe(true);
  expect(runs.ended("default/a").map(({ metadata }) => metadata.name)).toEqual(["x"]);
  runs.set(run("y", 2, "Succeeded"));
  runs.set(run("y", 2, "Succeeded"));
  expect(runs.of("default/a").active).toBe(false);
  runs.set(run("v", 3, "Running"));
  runs.delete(run("v", 3, "Running"));
  expect(runs.of("default/a").active).toBe(false);
});
