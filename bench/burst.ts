/**
 * A burst of runs through `ark up` as its own process: webhooks in, finished ArkRuns out. The model and the caller are
 * this process. Lost and doubled are counted by what was answered 202, the list of runs, and the model's own log.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { startModelServer } from "../local/model-server/server.ts";
import { Lock } from "../test/harness/lock.ts";
import { type Bench, type Figure, figure } from "./figure.ts";
import { peakMb } from "./memory.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Each fire starts this many runs; the fires stay below the limit of one event's rate. */
const TARGETS = 51;
const LOOK_MS = 100;
const PATIENCE_MS = 600_000;

export const burst: Bench = {
  name: "burst",
  run: async ({ runs }) => {
    const fires = Math.ceil(runs / TARGETS);
    const expected = fires * TARGETS;
    const folder = await mkdtemp(path.join(tmpdir(), "ark-bench-"));
    const all = new Lock(expected, PATIENCE_MS);
    await using model = await startModelServer({
      script: () => {
        all.unlock();
        return { text: "done" };
      },
    });
    await writeFile(path.join(folder, "ark.yaml"), manifest());
    const up = await startUp(folder, model.url);
    try {
      const startedAt = performance.now();
      const names = (await Promise.all(Array.from({ length: fires }, (_, n) => fire(up, n)))).flat();
      await Promise.race([all.done, up.gone]);
      const ended = await allEnded(up, expected);
      const seconds = (performance.now() - startedAt) / 1_000;
      const answered = model.requests().filter((request) => request.answered);
      const keys = new Set(answered.map(({ key }) => key));
      const found = new Set(ended.map(({ metadata }) => metadata.name));
      const succeeded = ended.filter(({ status }) => status?.phase === "Succeeded").length;
      return [
        figure(`burst of ${expected} runs, one step each, end to end`, "runs/s", [expected / seconds], {
          target: "≥ 100 runs/s",
        }),
        ...(await memory(up)),
        figure("burst: accepted runs that are lost", "count", [names.filter((name) => !found.has(name)).length]),
        figure("burst: runs that did not succeed", "count", [expected - succeeded]),
        figure("burst: runs nobody asked for", "count", [found.size - new Set(names).size]),
        figure("burst: model calls made twice", "count", [answered.length - keys.size]),
      ];
    } finally {
      await up.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Up = {
  readonly url: string;
  readonly token: string;
  readonly data: string;
  readonly pid: number;
  /** Rejects when it ends. */
  readonly gone: Promise<never>;
  stop(): Promise<void>;
};

async function startUp(folder: string, modelUrl: string): Promise<Up> {
  const data = path.join(folder, "data");
  const args = ["cli/main.ts", "up", "-f", path.join(folder, "ark.yaml"), "--data", data, "--port", "0"];
  const env = { ...process.env, OPENAI_BASE_URL: modelUrl, OPENAI_API_KEY: "sk-bench" };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: "ignore" });
  const { url, token } = await readSoon<{ url: string; token: string }>(path.join(data, "up.json"), child);
  const gone = new Promise<never>((_resolve, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`ark up ended in the burst: ${signal ?? code}`)));
  });
  gone.catch(() => {});
  return { url, token, data, pid: child.pid ?? 0, gone, stop: () => end(child) };
}

async function readSoon<T>(file: string, child: ChildProcess): Promise<T> {
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as T;
    if (child.exitCode !== null) throw new Error("ark up ended at once");
    await delay(LOOK_MS);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.kill("SIGTERM")) await gone;
}

async function fire({ url, data }: Up, n: number): Promise<readonly string[]> {
  const tokens = JSON.parse(await readFile(path.join(data, "tokens.json"), "utf8")) as Record<string, string>;
  const response = await fetch(`${url}/triggers/default/hook`, {
    method: "POST",
    headers: { authorization: `Bearer ${tokens["default/hook-webhook-token"]}`, "content-type": "application/json" },
    body: JSON.stringify({ n }),
  });
  const { runs } = (await response.json()) as { runs?: string[] };
  if (response.status !== 202 || runs?.length !== TARGETS) throw new Error(`fire ${n}: status ${response.status}`);
  return runs;
}

/** Looked at only when the model has answered everything, so that looking costs the burst next to nothing. */
async function allEnded(up: Up, expected: number): Promise<readonly ArkRun[]> {
  for (;;) {
    const response = await fetch(`${up.url}/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns`, {
      headers: { authorization: `Bearer ${up.token}` },
    });
    const { items } = (await response.json()) as { items: ArkRun[] };
    const ended = items.filter(({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed");
    if (ended.length >= expected && ended.length === items.length) return items;
    await delay(LOOK_MS);
  }
}

/** Highest resident sizes since the start, as Linux counts them; elsewhere there are none. */
async function memory({ pid, data }: Up): Promise<readonly Figure[]> {
  const owner = JSON.parse(await readFile(path.join(data, "nats", "owner.json"), "utf8")) as {
    server: { pid: number };
  };
  const [ark, nats] = await Promise.all([peakMb(pid), peakMb(owner.server.pid)]);
  if (ark === undefined || nats === undefined) return [];
  return [
    figure("burst: peak memory of ark up, all functions in one", "MB", [ark]),
    figure("burst: peak memory of nats-server", "MB", [nats]),
  ];
}

function manifest(): string {
  return `
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: burst }
spec:
  successfulRunsHistoryLimit: 1000000
  failedRunsHistoryLimit: 1000000
  roles: [{ name: work, model: gpt-4o-mini, systemPrompt: You work. }]
  pipeline: [{ role: work, inputs: { prompt: "Do {{ .input.n }}" } }]
  input: { n: none }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec:
  source: { type: webhook }
  targets: [${Array.from({ length: TARGETS }, () => "{ team: burst }").join(", ")}]
`;
}
