import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import { Sources } from "./sources.ts";

const MANIFEST = `apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: {name: poet}
spec:
  model: mock
  systemPrompt: You write.
  networkPolicy: strict
  resources: {limits: {memory: 1Gi}}
  mcpServers: [{name: files, url: "stdio:files"}]
`;

function start(sources: readonly string[], tell: { warn?: Tell; error?: Tell; applied?: () => void }): Sources {
  const log = { warn: () => {}, error: () => {}, ...tell };
  const objects = { list: () => Promise.resolve([]), apply: (_: string, object: unknown) => Promise.resolve(object) };
  return new Sources(sources, {
    objects: objects as unknown as Objects,
    onValues: () => {},
    onApplied: tell.applied ?? (() => {}),
    log: log as unknown as Logger,
  });
}

type Tell = (fields: { readonly path?: string; readonly fault?: string }) => void;

test("what has no effect on one machine is said once, however often the files are read", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  await writeFile(path.join(dir, "poet.yaml"), MANIFEST);
  const warned: unknown[] = [];
  const sources = start([dir], { warn: (fields) => void warned.push(fields.path) });
  await sources.reload();
  await sources.reload();
  await sources.stop();
  await rm(dir, { recursive: true });
  expect(warned).toEqual(["spec.resources", "spec.networkPolicy"]);
});

test.each(["poet.yaml", "below/poet.yaml"])("M4: %s that goes away is read again when it is back", async (name) => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  const file = path.join(dir, name);
  const put = async () => {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, MANIFEST);
  };
  let told: (what: string) => void = () => {};
  const next = () => new Promise<string>((resolve) => (told = resolve));
  const sources = start([file], { error: ({ fault = "" }) => told(fault), applied: () => told("applied") });
  try {
    await put();
    await sources.reload();
    for (let times = 0; times < 2; times++) {
      const refused = next();
      await rm(name === path.basename(name) ? file : path.dirname(file), { recursive: true });
      expect(await refused).toBe("no such file or folder");
      const applied = next();
      await put();
      expect(await applied).toBe("applied");
    }
  } finally {
    await sources.stop();
    await rm(dir, { recursive: true });
  }
});

test("two documents that are one object are a fault, as for ark validate: each reading put the other one in effect", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  await writeFile(path.join(dir, "a.yaml"), MANIFEST);
  await writeFile(path.join(dir, "b.yaml"), MANIFEST.replace("You write.", "You sing."));
  const refused: unknown[] = [];
  const sources = start([dir], { error: ({ fault }) => void refused.push(fault) });
  await sources.reload();
  await sources.stop();
  await rm(dir, { recursive: true });
  expect(refused).toEqual([`ArkAgent poet is there already: ${path.join(dir, "a.yaml")}:3`]);
});

test("an Ark kind of a wrong apiVersion is a fault, as for ark validate: left out, nothing of it was in effect", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  await writeFile(path.join(dir, "a.yaml"), MANIFEST.replace("arkonis.dev/", "arkonis/"));
  const refused: unknown[] = [];
  const sources = start([dir], { error: ({ path: at }) => void refused.push(at) });
  await sources.reload();
  await sources.stop();
  await rm(dir, { recursive: true });
  expect(refused).toEqual(["apiVersion"]);
});

test("a stop in the middle of a reading leaves nothing that watches or waits", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  await writeFile(path.join(dir, "poet.yaml"), MANIFEST);
  const kept = () => process.getActiveResourcesInfo().filter((name) => name === "FSEventWrap").length;
  const before = kept();
  const sources = start([dir], {});
  const reading = sources.reload();
  await sources.stop();
  await reading;
  const after = kept();
  await rm(dir, { recursive: true });
  expect(after).toBe(before);
});
