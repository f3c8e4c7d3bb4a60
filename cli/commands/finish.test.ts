import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Cluster } from "../cluster.ts";
import type { Io } from "../io.ts";
import { PLAIN } from "../render/style.ts";
import { finishRuns } from "./finish.ts";

const LONG: ArkRun = {
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkRun",
  metadata: { name: "blog-run", namespace: "default" },
  spec: { teamRef: "blog" },
  status: { phase: "Succeeded", output: "Once", outputRef: { digest: "d", bytes: 14 } },
};

test.each([
  ["read", "Once upon time", { code: 0, out: "Once upon time\n", err: "" }],
  ["cut off", undefined, { code: 3, out: "Once\n", err: expect.stringContaining("the beginning of 14 bytes") }],
])("D24: a long output that is %s", async (_what, output, expected) => {
  const told = { out: "", err: "" };
  async function* watch() {
    yield { type: "added", object: LONG };
  }
  const cluster = { watch, output: () => Promise.resolve(output) } as unknown as Cluster;
  const io = {
    out: (text: string) => void (told.out += text),
    err: (text: string) => void (told.err += text),
    now: () => 0,
    style: PLAIN,
    signal: new AbortController().signal,
  } as unknown as Io;
  const key = { namespace: "default", name: "blog-run" };
  const code = await finishRuns(cluster, [key], { progress: "quiet", output: "text" }, io);
  expect({ code, ...told }).toEqual(expected);
});
