/**
 * The command as people use it: real processes, a real `ark up`, the scripted model. One server for the whole file; the
 * teams below end well, fail once, or go on until they are stopped.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import { ArkError } from "#core/errors.ts";
import { startLocal } from "../../local/local.ts";
import { quiet } from "../harness/ark.ts";
import { freePorts } from "../harness/free-ports.ts";
import { startHttp } from "../harness/http.ts";
import { isRunning } from "../harness/is-running.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ARK = path.join(ROOT, "cli", "main.ts");
const PATIENT = { timeout: 120_000 };

const TEAM = (name: string, second: string) => `apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata:
  name: ${name}
spec:
  inputs:
    - name: topic
      default: owls
  roles:
    - name: first
      model: mock
      systemPrompt: You go first.
    - name: second
      model: mock
      systemPrompt: ${second}
  pipeline:
    - role: first
      inputs:
        prompt: "{{ .input.topic }}"
    - role: second
      dependsOn: [first]
      inputs:
        prompt: "after {{ .steps.first.output }}"
---
`;
const MANIFEST = `${TEAM("good", "You end well.")}${TEAM("flaky", "You fail once.")}${TEAM("slow", "You never end.")}${TEAM("needy", "You end well.").replace("default: owls", "required: true")}${TEAM("placed", "You end well.").replace("name: placed", "name: placed\n  namespace: prod")}
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata:
  name: request
spec:
  source:
    type: webhook
  targets:
    - team: good
      input:
        topic: "{{ .trigger.body.topic }}"
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata:
  name: clock
spec:
  source:
    type: cron
    cron: "0 0 1 1 *"
  targets:
    - team: good
`;
const LOST = `apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: lost }
spec:
  source: { type: webhook }
  targets: [{ team: nobody }]
`;
const MOCK = `rules:
  - { system: You go first., answers: ["first words"] }
  - { system: You end well., answers: ["the end"] }
  - { system: You fail once., answers: [{ status: 400, message: no such thing }, "second try"] }
  - { system: You never end., answers: [{ hang: true }] }
`;

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

let folder = "";
let up: ChildProcess | undefined;

function start(args: readonly string[], cwd = folder): ChildProcess {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" };
  return spawn(process.execPath, [ARK, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** A line as people type it, with `ark` being this one. */
function shell(text: string, cwd: string): Promise<Ended> {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1", NODE: process.execPath, ARK };
  const script = `ark() { "$NODE" "$ARK" "$@"; }\n${text}`;
  return ended(spawn("bash", ["-c", script], { cwd, env, stdio: ["ignore", "pipe", "pipe"] }));
}

/** The exit code, once it is gone. */
async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

const ark = (...args: readonly string[]) => ended(start(args));

async function line(child: ChildProcess, wanted: string): Promise<void> {
  if (child.stderr === null) throw new Error("no stderr");
  const seen: string[] = [];
  for await (const text of createInterface({ input: child.stderr })) {
    seen.push(text);
    if (!text.includes(wanted)) continue;
    // The end of the reader pauses the stream, which others may listen to.
    child.stderr.resume();
    return;
  }
  throw new Error(`never said ${wanted}:\n${seen.join("\n")}`);
}

/** Starts a run and gives its name. */
async function trigger(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await ark("trigger", ...args);
  expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
  return out.trim();
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-cli-"));
  await writeFile(path.join(folder, "ark.yaml"), MANIFEST);
  await writeFile(path.join(folder, "mock.yaml"), MOCK);
  up = start(["up", "--port", "0", "--provider", "mock"]);
  await line(up, "Ark is up");
});

afterAll(async () => {
  if (up !== undefined) await stopped(up, "SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

describe("ark trigger", PATIENT, () => {
  it("starts a team's run, shows its steps on stderr and prints its output on stdout", async () => {
    const { code, out, err } = await ark("trigger", "good", "--input", "topic=bees", "--wait");
    expect({ code, out }).toEqual({ code: 0, out: "the end\n" });
    expect(err).toMatch(/first +\[done\] {2}\d+ tokens {2}[\d.]+s\n/);
    expect(err).toMatch(/Run Succeeded in [\d.]+s, total: \d+ tokens\n$/);
  });

  it("fires a webhook as any caller would: --sync prints the output, -o json the report", async () => {
    expect(await ark("trigger", "request", "--data", '{"topic": "bees"}', "--sync")).toMatchObject({
      code: 0,
      out: "the end\n",
    });
    const report = await ark("trigger", "event/request", "--data", '{"topic": "bees"}', "--wait", "-o", "json");
    expect(report.code).toBe(0);
    expect(JSON.parse(report.out)).toMatchObject({
      status: "succeeded",
      runName: expect.stringMatching(/^good-run-/),
      output: "the end",
      steps: [
        { name: "first", status: "succeeded", output: "first words" },
        { name: "second", status: "succeeded", output: "the end" },
      ],
    });
  });

  it("P1: the same key and input are one run of a team", async () => {
    const args = ["good", "--input", "topic=bees", "--idempotency-key", "monday"];
    const first = await trigger(...args);
    const again = await ark("trigger", ...args);
    expect(again).toMatchObject({ code: 0, out: `${first}\n`, err: expect.stringContaining("used before") });
    const other = await ark("trigger", "good", "--input", "topic=wasps", "--idempotency-key", "monday");
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining("used with another input") });
    expect(await trigger("good", "--input", "topic=bees", "--idempotency-key", "tuesday")).not.toBe(first);
  });

  it("P1: the same idempotency key starts the same run", async () => {
    const args = ["request", "--data", '{"topic": "bees"}', "--idempotency-key", "once"];
    const run = await trigger(...args);
    expect(await trigger(...args)).toBe(run);
    const other = await ark("trigger", "request", "--data", '{"topic": "wasps"}', "--idempotency-key", "once");
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/^error: input\.invalid: /);
  });

  it.each([
    [["nobody"], 2, /^error: object\.not_found: there is no team, agent or event nobody/],
    [["clock"], 2, /^error: usage: event clock is of type cron/],
    [["needy"], 2, /^error: input\.invalid: input\.topic is required\nnext: /],
    [["request", "--data", "{"], 2, /^error: usage: --data is not JSON/],
    [["good", "--data", "{}"], 2, /^error: usage: --data is for events/],
    [["good", "--timeout", "never"], 2, /^error: usage: --timeout is "never"/],
  ])("refuses %j", async (args, code, message) => {
    const outcome = await ark("trigger", ...args);
    expect(outcome.code).toBe(code);
    expect(outcome.err).toMatch(message);
    expect(outcome.err).toMatch(/\nnext: .+\n$/);
    expect(outcome.err).not.toMatch(/\n\s+at /);
  });

  it("ends with 124 when time runs out, while the run goes on; cancel ends it", async () => {
    const outcome = await ark("trigger", "slow", "--wait", "--timeout", "1s");
    expect(outcome.code).toBe(124);
    const [, run = ""] = /error: timeout: run (\S+) has not ended within 1s; it goes on/.exec(outcome.err) ?? [];
    expect(await ark("cancel", run, "--wait")).toMatchObject({ code: 0, out: `${run} Cancelled\n` });
    const again = await ark("cancel", run);
    expect(again).toMatchObject({ code: 0, out: "" });
    expect(again.err).toContain("has ended already: Failed");
  });

  it("a fire that is given up is said to who waits for its run, which never comes", async () => {
    const child = start(["trigger", "request", "--data", "[1]", "--wait", "--timeout", "10m"]);
    await line(child, "warning: a fire of event request was given up, and there is no good-run-");
    expect(await stopped(child, "SIGINT")).toBe(130);
    const late = await ark("trigger", "request", "--data", "[1]", "--wait", "--timeout", "1s");
    expect(late.code).toBe(124);
    expect(late.err).toMatch(/error: timeout: there is no run good-run-\S+ after 1s\nnext: .*conditions of its event/);
    const sync = await ark("trigger", "request", "--data", "[1]", "--sync", "--timeout", "1s");
    expect(sync).toMatchObject({ code: 124, err: expect.stringMatching(/error: timeout: there is no run good-run-/) });
  });

  it("ends with 130 on Ctrl-C", async () => {
    const child = start(["trigger", "slow", "--wait", "--timeout", "10m"]);
    const outcome = ended(child);
    await line(child, "[running]");
    child.kill("SIGINT");
    const { code } = await outcome;
    expect(code).toBe(130);
    const { out } = await ark("get", "runs", "-l", "arkonis.dev/team=slow", "-o", "json");
    for (const run of (JSON.parse(out) as { items: readonly ArkRun[] }).items) {
      await ark("cancel", run.metadata.name ?? "", "--wait");
    }
  });
});

describe("ark retry", PATIENT, () => {
  it("takes over what succeeded and does only the rest again", async () => {
    const failed = await ark("trigger", "flaky", "--wait", "-o", "json");
    expect(failed.code).toBe(1);
    const before = JSON.parse(failed.out) as { runName: string; totalTokens: number };
    expect(failed.err).toMatch(/second +\[failed\] .*no such thing/);
    const retried = await ark("retry", "flaky", "--wait", "-o", "json");
    expect({ code: retried.code, err: retried.code === 0 ? "" : retried.err }).toEqual({ code: 0, err: "" });
    const after = JSON.parse(retried.out) as { runName: string; steps: readonly { tokens: number }[] };
    expect(after).toMatchObject({
      status: "succeeded",
      output: "second try",
      steps: [{ name: "first", tokens: 0, output: "first words" }, { name: "second" }],
    });
    const { out } = await ark("get", "run", after.runName, "-o", "yaml");
    expect((parse(out) as ArkRun).metadata.annotations).toMatchObject({ "arkonis.dev/retry-of": before.runName });
    expect((await ark("retry", after.runName)).code).toBe(2);
  });

  it("--step does that step again, and what depends on it, though it succeeded", async () => {
    const run = await trigger("good");
    expect((await ark("status", run, "--watch")).code).toBe(0);
    const retried = await ark("retry", run, "--step", "second", "--wait", "-o", "json");
    expect({ code: retried.code, err: retried.code === 0 ? "" : retried.err }).toEqual({ code: 0, err: "" });
    const { steps } = JSON.parse(retried.out) as { steps: readonly { name: string; tokens: number }[] };
    expect(steps.map(({ name, tokens }) => [name, tokens > 0])).toEqual([
      ["first", false],
      ["second", true],
    ]);
    const unknown = await ark("retry", run, "--step", "third");
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain("has no step third\nnext: Its steps: first, second.");
  });
});

describe("looking", PATIENT, () => {
  it("get, status, logs and trace tell of a run", async () => {
    const run = await trigger("good");
    expect((await ark("status", run, "--watch")).code).toBe(0);
    const table = await ark("get", "runs");
    expect(table.out).toMatch(/^NAME +TEAM +PHASE +TOKENS +STARTED +AGE\n/);
    expect(table.out).toMatch(new RegExp(`\\n${run} +good +Succeeded +\\d+ `));
    expect((await ark("get", "runs", run, "-o", "name")).out).toBe(`arkrun/${run}\n`);
    expect((await ark("get", "events")).out).toMatch(/\nclock +cron +false +0 +in \d+[smhd] /);
    const story = await ark("status", run);
    expect(story.out).toMatch(/second +\[done\]/);
    expect(story.out).toMatch(/\nRun Succeeded in /);
    const logs = await ark("logs", run, "-f");
    expect(logs.out).toMatch(/ first {2}says: first words \[mock, \d+ \+ \d+ tokens\]\n/);
    expect(logs.out).toMatch(/ second {2}done: the end\n/);
    expect((await ark("logs", run, "--step", "second", "--tail", "1")).out).toMatch(/^\S+ +second {2}done: the end\n$/);
    expect((await ark("trace", run)).out).toMatch(/└─ ark\.step second/);
    const facts = parseAllDocuments((await ark("logs", run, "-o", "yaml")).out).map((one) => one.toJS() as unknown);
    expect(facts.at(-1)).toMatchObject({ kind: "step.finished", step: "second" });
    expect((await ark("get", "runs", run, "-o", "text")).out).toContain(`\n${run} `);
    const spans = [{ spanID: "a", operationName: "invoke_agent writer", startTime: 0, duration: 5 }];
    await using store = await startHttp((_asked, answer) => answer.end(JSON.stringify({ data: [{ spans }] })));
    const stored = await ark("trace", run, "--endpoint", store.url);
    expect(stored).toMatchObject({ code: 0, out: expect.stringMatching(/^invoke_agent writer /) });
    expect(await ark("trace", run, "--endpoint", "jaeger")).toMatchObject({ code: 2, out: "" });
    expect((await ark("status")).out).toMatch(/\nTEAM +PHASE/);
    expect((await ark("-n", "elsewhere", "get", "runs")).out).not.toContain(run);
    const told = await ark("--log-level", "debug", "get", "run", run, "-o", "name");
    expect(told.err).toMatch(/debug get +kind=ArkRun namespace=default name=good-run-\S+ ms=\d+/);
    expect((await ark("status", "nobody")).code).toBe(2);
    expect((await ark("logs", "nobody")).err).toMatch(/^error: run\.not_found: /);
  });

  it("a reader that goes away is no error", async () => {
    const child = start(["get", "runs", "-o", "json"]);
    const closed = once(child, "close");
    child.stdout?.destroy();
    child.stderr?.resume();
    const [code] = (await closed) as [number | null];
    expect(code).toBe(0);
  });
});

describe("a reader that has read enough", PATIENT, () => {
  it("ends `logs -f` without an error, while the run goes on", async () => {
    const run = await trigger("slow");
    const { code, err } = await shell(`ark logs ${run} -f | true; echo "\${PIPESTATUS[0]}" >&2`, folder);
    expect({ code, err }).toEqual({ code: 0, err: "0\n" });
    expect((await ark("cancel", run, "--wait")).code).toBe(0);
  });
});

describe("ark run", PATIENT, () => {
  it("runs a team once, in an instance of its own, and leaves nothing behind", async () => {
    const alone = await mkdtemp(path.join(tmpdir(), "ark-alone-"));
    try {
      await writeFile(path.join(alone, "team.yaml"), TEAM("good", "You end well."));
      await writeFile(path.join(alone, "mock.yaml"), MOCK);
      const outcome = await ended(start(["run", "team.yaml", "-i", "topic=bees"], alone));
      expect({ code: outcome.code, out: outcome.out }).toEqual({ code: 0, out: "the end\n" });
      expect(outcome.err).toContain("the built-in scripted model server");
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });

  it("a run of its own that is stopped or out of time is gone at once, and says so", async () => {
    const alone = await mkdtemp(path.join(tmpdir(), "ark-alone-"));
    try {
      await writeFile(path.join(alone, "team.yaml"), TEAM("slow", "You never end."));
      await writeFile(path.join(alone, "mock.yaml"), MOCK);
      const child = start(["run", "team.yaml"], alone);
      const outcome = ended(child);
      await line(child, "second  [running]");
      child.kill("SIGINT");
      const gone = "next: It is gone with its local instance: in `ark up`, runs go on.\n";
      const stop = await outcome;
      expect(stop).toMatchObject({ code: 130, err: expect.stringContaining(`stopped by SIGINT\n${gone}`) });
      const late = await ended(start(["run", "team.yaml", "--timeout", "1s"], alone));
      expect(late.code).toBe(124);
      expect(late.err).toContain(`error: timeout: the run has not ended within 1s\n${gone}`);
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });

  it("--max-tokens and --model hold for this run alone, which then never goes to the running server", async () => {
    const poor = await ark("run", "ark.yaml", "--team", "good", "--max-tokens", "1", "-o", "json");
    expect(poor.code).toBe(1);
    expect(poor.err).toMatch(/Run Failed .*BudgetExceeded: step first/);
    const other = await ark("run", "ark.yaml", "--team", "good", "--model", "other", "-o", "json");
    expect({ code: other.code, err: other.code === 0 ? "" : other.err }).toEqual({ code: 0, err: "" });
    const { runName } = JSON.parse(other.out) as { runName: string };
    expect((await ark("get", "run", runName)).code).toBe(2);
  });

  it("uses the running server when that one holds the very team", async () => {
    const outcome = await ark("run", "ark.yaml", "--team", "good");
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: 0, out: "the end\n" });
    const [, run = ""] = /^(good-run-\S+) on the local server/.exec(outcome.err) ?? [];
    expect((await ark("get", "run", run)).code).toBe(0);
    const placed = await ark("run", "ark.yaml", "--team", "placed");
    expect(placed).toMatchObject({ code: 0, err: expect.stringMatching(/^placed-run-\S+ on the local server/) });
  });

  it("-n of a namespace in which the file's team is not: it runs where it is", async () => {
    const outcome = await ark("run", "ark.yaml", "--team", "good", "-n", "elsewhere");
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: 0, out: "the end\n" });
  });
});

describe("ark up", PATIENT, () => {
  it("says what cannot work yet, stops cleanly on Ctrl-C, with 130; one data folder serves one process", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-own-"));
    try {
      await writeFile(path.join(own, "ark.yaml"), `${TEAM("good", "You end well.")}${LOST}`);
      const first = start(["up", "--port", "0", "--provider", "mock"], own);
      // The last line but one before it is up.
      await line(first, 'warning: ArkEvent lost is not ready: TeamNotFound: spec.targets[0].team: no ArkTeam "nobody"');
      const second = await ended(start(["up", "--port", "0", "--provider", "mock"], own));
      expect(second.code).toBe(3);
      expect(second.err).toMatch(/^error: data\.locked: /m);
      expect(await stopped(first, "SIGINT")).toBe(130);
      expect(await readdir(path.join(own, ".ark"))).not.toContain("up.json");
      expect((await ended(start(["status"], own))).err).toMatch(
        /^error: server\.unreachable: no local server is running/,
      );
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it("a second Ctrl-C ends it at once, and its nats-server with it", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-twice-"));
    try {
      await writeFile(path.join(own, "ark.yaml"), TEAM("slow", "You never end."));
      await writeFile(path.join(own, "mock.yaml"), MOCK);
      const server = start(["up", "--port", "0"], own);
      await line(server, "Ark is up");
      const owner = await readFile(path.join(own, ".ark", "nats", "owner.json"), "utf8");
      const { server: nats } = JSON.parse(owner) as { server: { pid: number } };
      const working = line(server, "second  [running]");
      expect((await ended(start(["trigger", "slow"], own))).code).toBe(0);
      await working;
      const stopping = line(server, "Stopping: ");
      server.kill("SIGINT");
      await stopping;
      expect(await stopped(server, "SIGINT")).toBe(130);
      await expect.poll(() => isRunning(nats.pid), { timeout: 30_000 }).toBe(false);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it("told to stop while it starts, it ends as at any other time", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-start-"));
    const stop = new AbortController();
    stop.abort(new ArkError("interrupted", "stopped", "Nothing."));
    try {
      await writeFile(path.join(own, "ark.yaml"), TEAM("good", "You end well."));
      const options = { sources: [own], dataDir: path.join(own, ".ark"), port: 0, provider: "mock", env: {} } as const;
      await expect(startLocal({ ...options, log: quiet, signal: stop.signal })).rejects.toBe(stop.signal.reason);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it("a start that fails when its doors are open closes them", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-start-"));
    const [port = 0] = await freePorts(1);
    const dataDir = path.join(own, ".ark");
    try {
      await writeFile(path.join(own, "ark.yaml"), TEAM("good", "You end well."));
      await mkdir(path.join(dataDir, "up.json"), { recursive: true });
      const options = { sources: [own], dataDir, port, provider: "mock", env: {} } as const;
      const { signal } = new AbortController();
      await expect(startLocal({ ...options, log: quiet, signal })).rejects.toThrow("up.json");
      await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it("a port that is taken is an error that ends it: 3, and nothing of it stays", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-port-"));
    const taken = createServer().listen(0, "127.0.0.1");
    try {
      await once(taken, "listening");
      const { port } = taken.address() as AddressInfo;
      await writeFile(path.join(own, "ark.yaml"), TEAM("good", "You end well."));
      const refused = await ended(start(["up", "--port", String(port)], own));
      expect({ code: refused.code, out: refused.out }).toEqual({ code: 3, out: "" });
      expect(refused.err).toMatch(/^error: port\.in_use: port \d+ is taken\nnext: /);
    } finally {
      taken.close();
      await rm(own, { recursive: true, force: true });
    }
  });

  it("D42: opens the ports of services and says them; it warns of one that is taken, and goes on", async () => {
    const own = await mkdtemp(path.join(tmpdir(), "ark-ports-"));
    const taken = createServer().listen(0, "127.0.0.1");
    try {
      await once(taken, "listening");
      const squatted = (taken.address() as AddressInfo).port;
      const [port = 0] = await freePorts(1);
      const spec = `{ selector: { arkAgent: writer }, ports: [{ protocol: HTTP, port: ${squatted} }, { protocol: A2A, port: ${port} }] }`;
      const agent = "kind: ArkAgent\nmetadata: { name: writer }\nspec: { model: mock, systemPrompt: You write. }";
      const service = `kind: ArkService\nmetadata: { name: writing }\nspec: ${spec}`;
      const documents = [agent, service].map((text) => `apiVersion: arkonis.dev/v1alpha1\n${text}\n`);
      await writeFile(path.join(own, "ark.yaml"), documents.join("---\n"));
      const server = start(["up", "--port", "0", "--provider", "mock"], own);
      const said = ended(server);
      await line(server, "Ark is up");
      const card = await fetch(`http://127.0.0.1:${port}/.well-known/agent-card.json`);
      expect(await card.json()).toMatchObject({ name: "writer", url: `http://127.0.0.1:${port}/` });
      server.kill("SIGINT");
      const { code, err } = await said;
      expect(code).toBe(130);
      expect(err).toMatch(
        new RegExp(`writing answers at \\S+/services/default/writing, A2A at http://127.0.0.1:${port}\n`),
      );
      expect(err).toContain(
        `warning: ArkService writing is not ready: PortConflict: spec.ports[0].port: ${squatted} cannot be opened: listen EADDRINUSE`,
      );
    } finally {
      taken.close();
      await rm(own, { recursive: true, force: true });
    }
  });

  it("P10: starts nothing with a manifest that has faults", async () => {
    const bad = await mkdtemp(path.join(tmpdir(), "ark-bad-"));
    try {
      await writeFile(path.join(bad, "ark.yaml"), TEAM("bad", "x").replace("[first]", "[nobody]"));
      await writeFile(path.join(bad, "typo.yaml"), TEAM("typo", "x").replace("ArkTeam", "ArkTeem"));
      const { code, err } = await ended(start(["up", "--port", "0"], bad));
      expect(code).toBe(2);
      expect(err).toMatch(/^error: manifest\.invalid: /);
      expect(err).toContain("spec.pipeline[1].dependsOn[0]");
      expect(err).toMatch(/typo\.yaml:2: kind: .*\n {4}did you mean ArkTeam\?\n/);
    } finally {
      await rm(bad, { recursive: true, force: true });
    }
  });
});

describe("docs/cli.md", PATIENT, () => {
  it("D44: every documented command line works as it stands, in order", async () => {
    const page = await readFile(path.join(ROOT, "docs", "cli.md"), "utf8");
    const tutorial = page.slice(0, page.indexOf("## Looking at a run"));
    const blocks = [...tutorial.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
    const lines = blocks.flatMap((block) => block.split("\n")).map((text) => text.replace(/ +#.*$/, "").trim());
    let cwd = await mkdtemp(path.join(tmpdir(), "ark-docs-"));
    const top = cwd;
    let server: ChildProcess | undefined;
    try {
      expect(lines.filter((text) => text.startsWith("ark ")).length).toBeGreaterThan(8);
      for (const text of lines.filter((one) => one !== "")) {
        if (text.startsWith("cd ")) cwd = path.join(cwd, text.slice(3));
        else if (text === "ark up") {
          server = start(["up", "--port", "0"], cwd);
          await line(server, "Ark is up");
        } else {
          const outcome = await shell(text, cwd);
          expect({ text, code: outcome.code, err: outcome.code === 0 ? "" : outcome.err }).toEqual({
            text,
            code: 0,
            err: "",
          });
        }
      }
    } finally {
      if (server !== undefined) await stopped(server, "SIGTERM");
      await rm(top, { recursive: true, force: true });
    }
  });
});

describe("scripts/demo", PATIENT, () => {
  it("shows a run from the webhook to the ArkRun, and ends by itself", async () => {
    const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], NO_COLOR: "1" };
    const child = spawn(process.execPath, [path.join(ROOT, "scripts", "demo.ts")], {
      cwd: ROOT,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, out, err } = await ended(child);
    expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("the built-in scripted model server");
    expect(out).toMatch(/202 \{"fired":true/);
    expect(out).toContain("a barn owl finds its dinner by ear alone");
    expect(out).toMatch(/phase: Succeeded/);
    expect(err).toMatch(/edit +\[done\] {2}152 tokens/);
  });
});
