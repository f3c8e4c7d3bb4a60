import { mkdtemp, rm, writeFile } from "node:fs/promises";
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

test("what has no effect on one machine is said once, however often the files are read", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-sources-"));
  await writeFile(path.join(dir, "poet.yaml"), MANIFEST);
  const warned: unknown[] = [];
  const log = { warn: (fields: { path: string }) => void warned.push(fields.path), error: () => {} };
  const objects = { list: () => Promise.resolve([]), create: () => Promise.resolve({ kind: "created" }) };
  const sources = new Sources([dir], {
    objects: objects as unknown as Objects,
    onValues: () => {},
    onApplied: () => {},
    log: log as unknown as Logger,
  });
  await sources.reload();
  await sources.reload();
  await sources.stop();
  await rm(dir, { recursive: true });
  expect(warned).toEqual(["spec.resources", "spec.networkPolicy"]);
});
