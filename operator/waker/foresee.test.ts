import { expect, test } from "vitest";
import { type ArkEvent, ArkEventSchema } from "#core/api/v1alpha1/ark-event.ts";
import { type ArkTeam, ArkTeamSchema } from "#core/api/v1alpha1/ark-team.ts";
import { foresee } from "./foresee.ts";

const apiVersion = "arkonis.dev/v1alpha1";
const inline = (name: string) => ({ name, model: "mock", systemPrompt: "x" });

function event(spec: object): ArkEvent {
  const metadata = { name: "order", namespace: "ai" };
  return ArkEventSchema.parse({
    apiVersion,
    kind: "ArkEvent",
    metadata,
    spec: { source: { type: "webhook" }, ...spec },
  });
}

function team(name: string, roles: readonly object[], pipeline: readonly object[]): ArkTeam {
  const metadata = { name, namespace: "ai" };
  return ArkTeamSchema.parse({ apiVersion, kind: "ArkTeam", metadata, spec: { roles, pipeline } });
}

const TEAMS = [
  team(
    "blog",
    [inline("research"), { name: "look", arkAgent: "looker" }, inline("write")],
    [{ role: "research" }, { role: "look" }, { role: "write", dependsOn: ["research", "look"] }],
  ),
  team(
    "outer",
    [{ name: "all", arkTeam: "blog" }, inline("sum")],
    [{ role: "all" }, { role: "sum", dependsOn: ["all"] }],
  ),
  team("ring", [{ name: "all", arkTeam: "ring" }], [{ role: "all" }]),
];
const known = (name: string) => TEAMS.find(({ metadata }) => metadata.name === name);
const SHARED = ["dispatcher", "collector"];

test.each([
  ["an agent", { targets: [{ agent: "solo", prompt: "x" }] }, ["ai/solo"]],
  [
    "a team: its first steps alone, inline and by reference",
    { targets: [{ team: "blog" }] },
    ["ai/blog-research", "ai/looker"],
  ],
  ["a nested team: what that one begins with", { targets: [{ team: "outer" }] }, ["ai/blog-research", "ai/looker"]],
  [
    "several: each pool once",
    { targets: [{ team: "blog" }, { agent: "looker", prompt: "x" }] },
    ["ai/blog-research", "ai/looker"],
  ],
  ["a ring of teams, which validation refuses: nobody", { targets: [{ team: "ring" }] }, []],
  ["a team that is not there: nobody", { targets: [{ team: "gone" }] }, []],
])("W4: a fire asks %s", (_name, spec, pools) => {
  const keys = foresee(event(spec), known);
  expect(keys.slice(0, 2)).toEqual(SHARED);
  expect(keys.slice(2).toSorted()).toEqual(pools);
});

test("W4: an event that is suspended will ask nobody", () => {
  expect(foresee(event({ targets: [{ team: "blog" }], suspended: true }), known)).toEqual([]);
});
