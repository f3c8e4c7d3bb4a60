import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { faultText, invalidManifests } from "../local/manifests/faults.ts";
import { checkManifests } from "./check.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-check-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TEAM = `apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata:
  name: blog
spec:
  roles:
    - name: write
      model: gpt-4o-mini
      systemPrompt: You write.
    - name: edit
      arkAgent: editor
  pipeline:
    - role: write
      inputs:
        prompt: "{{ .input.topic }}"
    - role: edit
      dependsOn: [write]
`;
const EVENT = `---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata:
  name: request
spec:
  source:
    type: webhook
  targets:
    - team: blog
    - team: nobody
    - agent: blog-write
      prompt: go
`;

async function check(text: string, references = false) {
  await writeFile(path.join(folder, "ark.yaml"), text);
  const checked = await checkManifests([folder], { references });
  return { ...checked, lines: checked.faults.map((fault) => faultText(fault, (file) => path.basename(file))) };
}

it("takes good manifests, and leaves foreign kinds alone", async () => {
  const checked = await check(`${TEAM}${EVENT}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: prompts}\n`);
  expect(checked.lines).toEqual([]);
  expect(checked.foreign).toBe(1);
  expect(checked.placed.map(({ object }) => object.metadata.name)).toEqual(["blog", "request"]);
});

it("P10: names file, line and field of every fault at once", async () => {
  const bad = TEAM.replace("{{ .input.topic }}", "{{ .input.topic").replace("dependsOn: [write]", 'if: "{{ frob }}"');
  const { lines } = await check(`${bad}${EVENT.replace("type: webhook", "type: weebhook")}`);
  expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
    "ark.yaml:15: spec.pipeline[0].inputs.prompt",
    "ark.yaml:17: spec.pipeline[1].if",
    "ark.yaml:25: spec.source.type",
  ]);
});

it("finds references to nothing, when asked; inline roles are agents, faulty objects are there", async () => {
  expect((await check(`${TEAM}${EVENT}`, true)).lines).toEqual([
    'ark.yaml:11: spec.roles[1].arkAgent: no ArkAgent "editor" in these files',
    'ark.yaml:28: spec.targets[1].team: no ArkTeam "nobody" in these files',
  ]);
  const { lines } = await check(`${TEAM.replace("- role: write", "- rôle: write")}${EVENT}`, true);
  expect(lines.filter((line) => line.includes('"blog"'))).toEqual([]);
});

it("finds the same object twice, and an unknown kind of our own", async () => {
  const { lines } = await check(`${TEAM}---\n${TEAM}---\n${TEAM.replace("kind: ArkTeam", "kind: ArkTeem")}`);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/^ark\.yaml:\d+: kind: must be one of .*\n {2}did you mean ArkTeam\?/);
  expect(lines[0]).toMatch(/^ark\.yaml:\d+: metadata\.name: ArkTeam blog is there already: .*ark\.yaml:4$/);
});

it("says that there is no file, apart from what is wrong in one", async () => {
  const { faults } = await checkManifests([path.join(folder, "none.yaml")], { references: false });
  const error = invalidManifests(faults, "nothing was changed", (file) => path.basename(file));
  expect(error.code).toBe("manifest.not_found");
  expect(error.message).toContain("none.yaml: no such file or folder");
  await writeFile(path.join(folder, "latin1.yaml"), Buffer.from("a: \u00e9", "latin1"));
  const unread = await checkManifests([path.join(folder, "latin1.yaml")], { references: false });
  expect(invalidManifests(unread.faults, "nothing was changed").code).toBe("manifest.invalid");
});
