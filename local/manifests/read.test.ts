import { mkdtemp, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readManifests } from "./read.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-manifests-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(files: Record<string, string | Buffer>, source = ".") {
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

test("P10: the line of a field whose name would read as two is found too", async () => {
  const text = 'kind: B\nspec:\n  inputs:\n    fine: x\n    "a.b": y\n';
  const { documents } = await read({ "a.yaml": text });
  expect(documents[0]?.lineOf('spec.inputs["a.b"]')).toBe(5);
});

test("a bad document is a fault with its line, and the others stand", async () => {
  const { documents, faults } = await read({ "a.yaml": "kind: A\n---\nkind: [\n---\n- 1\n---\nkind: B\n" });
  expect(documents.map((document) => document.value["kind"])).toEqual(["A", "B"]);
  expect(faults).toMatchObject([{ file: "a.yaml", message: expect.stringContaining("not valid YAML") }, { line: 5 }]);
});

test("a missing source and an empty folder are faults", async () => {
  const absent = true;
  expect((await read({}, "gone")).faults).toEqual([{ file: "gone", message: "no such file or folder", absent }]);
  expect((await read({ "x.txt": "" })).faults).toEqual([
    { file: "", message: "the folder holds no YAML or JSON file", absent },
  ]);
});

test("what the system does not let us read, what is too large and what is no text are faults beside the others", async () => {
  await symlink("ring.yaml", path.join(folder, "ring.yaml"));
  await writeFile(path.join(folder, "large.yaml"), "");
  await truncate(path.join(folder, "large.yaml"), 9_000_000);
  const latin1 = Buffer.from("kind: A\nprompt: caf\u00e9\n", "latin1");
  const { documents, faults } = await read({ "latin1.yaml": latin1, "z.yaml": "kind: Z\n" });
  expect(documents.map(({ value }) => value["kind"])).toEqual(["Z"]);
  expect(faults).toEqual([
    { file: "large.yaml", message: "the file is larger than 8388608 bytes" },
    { file: "latin1.yaml", message: "not UTF-8 text: save it in that encoding" },
    { file: "ring.yaml", message: expect.stringMatching(/^cannot be read: .*symbolic link/) },
  ]);
});

test("aliases that grow beyond bounds are a fault of their document", async () => {
  const powers = Array.from({ length: 8 }, (_, level) => {
    const items = Array.from({ length: 9 }, () => (level === 0 ? "x" : `*a${level - 1}`));
    return `a${level}: &a${level} [${items.join(", ")}]\n`;
  });
  const { documents, faults } = await read({ "a.yaml": `kind: A\n---\n${powers.join("")}` });
  expect(documents.map(({ value }) => value["kind"])).toEqual(["A"]);
  expect(faults).toMatchObject([
    { file: "a.yaml", line: 3, message: expect.stringMatching(/^not valid YAML: .*alias/) },
  ]);
});

test("a fault of YAML says its line once, and its column", async () => {
  const { faults } = await read({ "a.yaml": "kind: A\nspec:\n\tx: 1\n" });
  expect(faults).toEqual([
    { file: "a.yaml", line: 3, message: "not valid YAML: Tabs are not allowed as indentation (column 1)" },
  ]);
});

test("a kustomization's resources are read, its prompt files become ConfigMaps and are watched", async () => {
  const { documents, watched, faults } = await read({
    "kustomization.yaml":
      "namespace: ai\nresources: [team.yaml]\nconfigMapGenerator:\n  - name: prompts\n    files: [writer=prompts/w.md]\n    literals: [a=b=c]\nsecretGenerator:\n  - name: s\n    literals: [k=v]\n",
    "team.yaml":
      "kind: ArkTeam\nmetadata: {name: blog}\n---\nkind: ArkTeam\nmetadata: {name: shop, namespace: other}\n",
    "prompts/w.md": "You write.",
  });
  expect(faults).toEqual([]);
  expect(documents.map((document) => document.value)).toEqual([
    { kind: "ArkTeam", metadata: { name: "blog", namespace: "ai" } },
    { kind: "ArkTeam", metadata: { name: "shop", namespace: "ai" } },
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
