/**
 * The README's demo: `ark up` on an example, its webhook fired as any caller would, the steps as they go, the ArkRun at
 * the end. Everything it starts is gone when it ends, however it ends.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { finishRuns } from "../cli/commands/finish.ts";
import { get } from "../cli/commands/get.ts";
import type { Io } from "../cli/io.ts";
import { localCluster } from "../cli/local-cluster.ts";
import { COLOR, PLAIN } from "../cli/render/style.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ARK = path.join(ROOT, "cli", "main.ts");
const EXAMPLE = path.join("examples", "blog-pipeline");
const EVENT = "blog-request";
const BODY = { topic: process.argv[2] ?? "owls" };
const READY_MS = 120_000;
const STOP_MS = 20_000;

const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[22m` : text);
const say = (text: string) => console.log(`\n${bold(text)}`);

/** The line by which `ark up` says that it can be used. */
async function ready(up: ChildProcess, signal: AbortSignal): Promise<void> {
  if (up.stderr === null) throw new Error("no stderr to read");
  const lines = createInterface({ input: up.stderr, signal });
  const seen: string[] = [];
  for await (const line of lines) {
    seen.push(line);
    if (!line.includes("Ark is up")) continue;
    console.log(seen.join("\n"));
    // Read on, so that the pipe never fills; what runs do is shown by `ark status` below.
    up.stderr.resume();
    return;
  }
  throw new Error(`ark up ended early:\n${seen.join("\n")}`);
}

type Up = { readonly url: string; readonly token: string };

/** The event's own token, which any caller of the webhook needs. */
async function webhookToken(up: Up): Promise<string> {
  const answer = await fetch(`${up.url}/api/v1/namespaces/default/secrets/${EVENT}-webhook-token`, {
    headers: { authorization: `Bearer ${up.token}` },
    signal: AbortSignal.timeout(10_000),
  });
  const { data } = (await answer.json()) as { data: { token: string } };
  return Buffer.from(data.token, "base64").toString("utf8");
}

async function fire(up: Up): Promise<string> {
  const answer = await fetch(`${up.url}/triggers/default/${EVENT}`, {
    method: "POST",
    headers: { authorization: `Bearer ${await webhookToken(up)}`, "content-type": "application/json" },
    body: JSON.stringify(BODY),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  console.log(`${answer.status} ${text}`);
  if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}`);
  const [run] = (JSON.parse(text) as { runs: readonly string[] }).runs;
  if (run === undefined) throw new Error("the webhook started no run");
  return run;
}

/** This process as the commands see it: one of its own each would start after the run has ended. */
function thisProcess(signal: AbortSignal): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    style: process.stderr.isTTY ? COLOR : PLAIN,
    outStyle: process.stdout.isTTY ? COLOR : PLAIN,
    live: process.stderr.isTTY,
    outIsTerminal: process.stdout.isTTY,
    columns: () => (process.stderr.isTTY ? process.stderr.columns : 100),
    rows: () => (process.stderr.isTTY ? process.stderr.rows : Number.POSITIVE_INFINITY),
    env: process.env,
    cwd: ROOT,
    now: Date.now,
    readStdin: () => Promise.resolve(""),
    signal,
  };
}

/** Shows the run to its end, then what is recorded of it; the exit code. */
async function show(up: Up, name: string): Promise<number> {
  const io = thisProcess(AbortSignal.timeout(READY_MS));
  const cluster = localCluster({ ...up, signal: io.signal });
  say(`ark status ${name} --watch`);
  const progress = io.live ? "live" : "lines";
  const code = await finishRuns(cluster, [{ namespace: "default", name }], { progress, output: "text" }, io);
  say(`ark get run ${name} -o yaml`);
  await get(cluster, "run", name, { namespace: "default", output: "yaml" }, io);
  say("ark get runs");
  await get(cluster, "runs", undefined, { namespace: "default", output: "text" }, io);
  return code;
}

async function demo(dataDir: string): Promise<number> {
  say(`ark up -f ${EXAMPLE}`);
  const args = [ARK, "up", "-f", EXAMPLE, "--port", "0", "--data", dataDir];
  const up = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(up, "exit");
  try {
    await ready(up, AbortSignal.timeout(READY_MS));
    const place = JSON.parse(await readFile(path.join(dataDir, "up.json"), "utf8")) as Up;
    say(
      `curl -X POST ${place.url}/triggers/default/${EVENT} -H "Authorization: Bearer $TOKEN" -d '${JSON.stringify(BODY)}'`,
    );
    const run = await fire(place);
    return await show(place, run);
  } finally {
    up.kill("SIGTERM");
    const kill = setTimeout(() => up.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(kill);
  }
}

const dataDir = await mkdtemp(path.join(tmpdir(), "ark-demo-"));
try {
  process.exitCode = await demo(dataDir);
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(dataDir, { recursive: true, force: true });
}
