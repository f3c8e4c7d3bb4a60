import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readManifests } from "./read.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-manifests-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(files: Record<string, string>, source = ".") {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const outcome = await readManifests([path.join(folder, source)]);
  const short = (file: string) => path.relative(folder, file);
  return {
    ...outcome,
    faults: outcome.faults.map((fault) => ({ ...fault, file: short(fault.file) })),
    watched: outcome.watched.map(short),
  };
}

test("a folder gives the documents of its YAML and JSON files by name, Lists unfolded", async () => {
  const { documents, faults } = await read({
    "b.yaml": "kind: B\n---\n# nothing\n---\nkind: C\n",
    "a.json": '{"kind":"List","items":[{"kind":"A1"},{"kind":"A2"}]}',
    "mock.yaml": "rules: []",
    "notes.txt": "kind: no",
  });
  expect(documents.map((document) => document.value["kind"])).toEqual(["A1", "A2", "B", "C"]);
  expect(faults).toEqual([]);
});

test("what a folder holds beside manifests is left alone; a file that is named must be one", async () => {
  const files = { "package.json": '{"name": "x"}', "a.yaml": "apiVersion: arkonis.dev/v1alpha1\n---\nkind: B\n" };
  const { documents, faults } = await read(files);
  expect(documents.map(({ value }) => value)).toEqual([{ apiVersion: "arkonis.dev/v1alpha1" }, { kind: "B" }]);
  expect(faults).toEqual([]);
  expect((await read({}, "package.json")).documents).toHaveLength(1);
});

test("a field's line is found by its path, an absent field's by the nearest around it", async () => {
  const { documents } = await read({
    "a.yaml": "kind: A\nspec:\n  steps:\n    - role: x\n    - role: y\n      if: z\n",
  });
  const lines = ["spec.steps[1].if", "spec.steps[1].gone", "spec.steps[0].role"].map((at) => documents[0]?.lineOf(at));
  expect(lines).toEqual([6, 5, 4]);
});

test("a bad document is a fault with its line, and the others stand", async () => {
  const { documents, faults } = await read({ "a.yaml": "kind: A\n---\nkind: [\n---\n- 1\n---\nkind: B\n" });
  expect(documents.map((document) => document.value["kind"])).toEqual(["A", "B"]);
  expect(faults).toMatchObject([{ file: "a.yaml", message: expect.stringContaining("not valid YAML") }, { line: 5 }]);
});

test("a missing source and an empty folder are faults", async () => {
  expect((await read({}, "gone")).faults).toMatchObject([{ message: "no such file or folder" }]);
  expect((await read({ "x.txt": "" })).faults).toMatchObject([{ message: "the folder holds no YAML or JSON file" }]);
});

test("a kustomization's resources are read, its prompt files become ConfigMaps and are watched", async () => {
  const { documents, watched, faults } = await read({
    "kustomization.yaml":
      "namespace: ai\nresources: [team.yaml]\nconfigMapGenerator:\n  - name: prompts\n    files: [writer=prompts/w.md]\n    literals: [a=b=c]\nsecretGenerator:\n  - name: s\n    literals: [k=v]\n",
    "team.yaml": "kind: ArkTeam\n",
    "prompts/w.md": "You write.",
  });
  expect(faults).toEqual([]);
  expect(documents.map((document) => document.value)).toEqual([
    { kind: "ArkTeam" },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "prompts", namespace: "ai" },
      data: { a: "b=c", writer: "You write." },
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "ai" }, stringData: { k: "v" } },
  ]);
  expect(watched).toContain("prompts/w.md");
});
