/** Texts of any size: none keeps a run from ending, none makes an object too large, and none is lost (D24). */
import { expect, test } from "vitest";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { finishRuns } from "../../../cli/commands/finish.ts";
import { logs } from "../../../cli/commands/logs.ts";
import { status } from "../../../cli/commands/status.ts";
import type { Io } from "../../../cli/io.ts";
import { localCluster } from "../../../cli/local-cluster.ts";
import { PLAIN } from "../../../cli/render/style.ts";
import { lastUserText } from "../../../local/model-server/script.ts";
import { type Ark, startArk } from "../../harness/ark.ts";

const SILENT: Omit<Io, "signal" | "out"> = {
  err: () => {},
  style: PLAIN,
  outStyle: PLAIN,
  live: false,
  outIsTerminal: false,
  columns: () => 100,
  rows: () => 40,
  env: {},
  cwd: ".",
  now: Date.now,
  readStdin: async () => "",
};
const MIB = 1024 * 1024;
const STATUS_LIMIT = 256 * 1024;
const FACT_LIMIT = 64 * 1024;
const LINE = "ä long answer 𝄞\n";

const YAML = `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: desk }
spec:
  failedRunsHistoryLimit: 100
  input: { case: none, padding: "" }
  roles: [{ name: write, model: gpt-4o-mini, systemPrompt: You write., limits: { retries: 0 } }]
  pipeline:
    - { name: first, role: write, inputs: { prompt: "{{ .input.case }}" } }
    - { name: second, role: write, dependsOn: [first], inputs: { prompt: "Next: {{ .steps.first.output }}" } }
  output: "{{ .steps.first.output }}"
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: desk }] }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: solo }
spec: { source: { type: webhook }, targets: [{ agent: desk-write, prompt: long }] }
`;

test("D24: a provider that fails with 3 MB of words fails the step, with their beginning", async () => {
  await using ark = await startArk(YAML, () => ({ status: 400, message: `first words ${"x".repeat(3 * MIB)}` }));
  await ark.fire("hook", { case: "fail" });
  const [run] = await ark.ended(1);
  expect(run?.status?.steps?.[0]).toMatchObject({ phase: "Failed", errorCode: "provider.refused" });
  expect(run?.status?.steps?.[0]?.message).toContain("first words");
  await isSmall(ark, run);
});

test("D24: a long answer is a preview and a reference in the status, and whole for its reader and in the answer", async () => {
  const long = LINE.repeat(40_000);
  let next = "";
  await using ark = await startArk(YAML, (request) => {
    const said = lastUserText(request);
    if (said === "long") return { text: long };
    next = said;
    return { text: "done" };
  });
  await isWhole(ark, "hook", long);
  expect(next.includes(long)).toBe(true);
});

test("D24: the same of several MB, where no template reads it", async () => {
  const long = LINE.repeat(300_000);
  await using ark = await startArk(YAML, () => ({ text: long }));
  await isWhole(ark, "solo", long);
});

async function isWhole(ark: Ark, event: string, long: string): Promise<void> {
  const { status: code, body } = await ark.fire(event, { case: "long" }, { query: "?mode=sync&timeout=50s" });
  expect({ code, whole: body["output"] === long }).toEqual({ code: 200, whole: true });
  const [run] = await ark.ended(1);
  const [first] = run?.status?.steps ?? [];
  for (const shown of [run?.status, first]) {
    expect(shown?.outputRef?.bytes).toBe(Buffer.byteLength(long));
    expect(long.startsWith(shown?.output ?? "-")).toBe(true);
  }
  await isSmall(ark, run);
  await isPrintedWhole(ark, run?.metadata.name ?? "", long);
}

/** What a command writes to a file or pipe. */
async function isPrintedWhole({ local }: Ark, name: string, long: string): Promise<void> {
  const { signal } = new AbortController();
  const cluster = localCluster({ url: local.url, token: local.token, signal });
  let out = "";
  const io: Io = { ...SILENT, signal, out: (text) => (out += text) };
  const options = { namespace: "default", output: "text" } as const;
  expect(await finishRuns(cluster, [{ namespace: "default", name }], { ...options, progress: "quiet" }, io)).toBe(0);
  expect(out === long).toBe(true);
  out = "";
  expect(await logs(cluster, name, { ...options, full: true }, io)).toBe(0);
  // Once as the turn, once as what the step came to.
  expect(out.split(long)).toHaveLength(3);
  out = "";
  expect(await status(cluster, name, options, io)).toBe(0);
  expect(out.includes(long)).toBe(true);
}

test("D24, P1: a body of 1 MiB fires, and its run ends", async () => {
  await using ark = await startArk(YAML);
  const rest = JSON.stringify({ case: "big", padding: "" }).length;
  const { status } = await ark.fire("hook", { case: "big", padding: "p".repeat(MIB - rest) });
  expect(status).toBe(202);
  const [run] = await ark.ended(1);
  expect(run?.status?.phase).toBe("Succeeded");
});

async function isSmall(ark: Ark, run: ArkRun | undefined): Promise<void> {
  expect(JSON.stringify(run).length).toBeLessThan(STATUS_LIMIT);
  for (const line of await factLines(ark, run?.metadata.name ?? "")) expect(line.length).toBeLessThan(FACT_LIMIT);
}

async function factLines({ local }: Ark, run: string): Promise<readonly string[]> {
  const at = `${local.url}/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns/${run}/facts`;
  const response = await fetch(at, { headers: { authorization: `Bearer ${local.token}` } });
  return (await response.text()).trim().split("\n");
}
