/** The record of a run by a front door whose streams break, over real connections; what passes between tries is told. */
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import type { StoredFact } from "#core/ports/record.ts";
import { doorAt } from "../../../cli/kube/front-door.ts";
import { RunFacts } from "../../../cli/kube/run-facts.ts";
import { ark } from "../../harness/cli.ts";
import { startHttp } from "../../harness/http.ts";
import { Lock } from "../../harness/lock.ts";

const key = { namespace: "default", name: "r1" };
const run = { apiVersion: API_VERSION, kind: "ArkRun", metadata: key, spec: { teamRef: "t" } } as const;
const fact = (seq: number): StoredFact => ({
  namespace: "default",
  run: "r1",
  uid: "u",
  seq,
  fact: { kind: "step.started", at: 1, instance: "i", step: "s", iteration: 0, attempt: seq },
});

async function listen(answer: RequestListener): Promise<string> {
  const { url, [Symbol.asyncDispose]: end } = await startHttp(answer);
  onTestFinished(end);
  return url;
}

/** A door, and a reader of it whose time passes by its pauses, and by what the door lets pass. */
async function reading(answer: (response: ServerResponse, fromSeq: number, pass: (ms: number) => void) => void) {
  let clock = 0;
  const pauses: number[] = [];
  const asked: number[] = [];
  const url = await listen((request, response) => {
    const fromSeq = Number(new URL(request.url ?? "", "http://localhost").searchParams.get("fromSeq"));
    asked.push(fromSeq);
    answer(response, fromSeq, (ms) => void (clock += ms));
  });
  const facts = new RunFacts({
    door: doorAt(url),
    get: () => Promise.resolve(run),
    watch: () => expect.unreachable(),
    secret: () => Promise.resolve({ token: "t" }),
    tell: () => expect.unreachable(),
    pace: {
      now: () => clock,
      random: () => 0.5,
      wait: async (ms) => {
        pauses.push(ms);
        clock += ms;
      },
    },
  });
  const signal = AbortSignal.timeout(60_000);
  const read = (follow: boolean) => all(facts.read(key, { follow }, signal));
  return { pauses, asked, read, output: () => facts.output(key, signal) };
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The head and `lines`, all of it on its way, and then no end. */
function breakOff(response: ServerResponse, lines: readonly StoredFact[] = []): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
  response.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), () => response.destroy());
}

test.each([true, false])(
  "P1 P3: a stream that breaks at once is given up after a minute; follow: %s",
  async (follow) => {
    const { pauses, read } = await reading((response) => breakOff(response));
    await expect(read(follow)).rejects.toMatchObject({
      code: "server.unreachable",
      message: expect.stringMatching(/run r1 came within 1m: .*broke off/),
    });
    expect(pauses.slice(0, 4)).toEqual([500, 750, 1_250, 2_250]);
    expect(pauses.length).toBeLessThan(12);
  },
);

test("P2: each fact is progress; each comes once, and the end is the end", async () => {
  const { pauses, asked, read } = await reading((response, fromSeq) =>
    fromSeq <= 200 ? breakOff(response, [fact(fromSeq)]) : void response.writeHead(200).end(),
  );
  const seqs = (await read(false)).map((line) => ("seq" in line ? line.seq : undefined));
  expect(seqs).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  expect(asked).toEqual([...seqs, 201]);
  expect(new Set(pauses)).toEqual(new Set([500]));
});

test("P3: a refusal that takes long is no stream that held", async () => {
  const { asked, read } = await reading((response, _, pass) => {
    if (asked.length === 1) return breakOff(response);
    pass(15_000);
    response.writeHead(503, { "content-type": "application/json" }).end('{"detail":"not now"}');
  });
  await expect(read(true)).rejects.toMatchObject({
    code: "server.refused",
    message: expect.stringContaining("answered 503: not now"),
  });
  expect(asked.length).toBeLessThan(8);
});

test("an output that breaks off is none, and no part of one", async () => {
  const { output } = await reading((response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write('{"output":"the beginning', () => response.destroy());
  });
  expect(await output()).toBeUndefined();
});

test("a reading that fails ends the command: 3, and nothing goes on watching the run", async () => {
  const unwatched = new Lock(1);
  const url = await listen((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    if (pathname.endsWith("/facts")) return breakOff(response, [fact(1)]);
    if (searchParams.get("watch") !== "true") return void response.end(JSON.stringify(run));
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify({ type: "ADDED", object: run })}\n`);
    response.on("close", () => unwatched.unlock());
  });
  const cwd = await mkdtemp(path.join(tmpdir(), "ark-logs-"));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  await mkdir(path.join(cwd, ".ark"));
  await writeFile(path.join(cwd, ".ark", "up.json"), JSON.stringify({ url, token: "t", pid: process.pid }));
  const { code, out, err } = await ark(["logs", "r1", "-f"], { cwd });
  expect({ code, err }).toMatchObject({ code: 3, err: expect.stringContaining("server.unreachable") });
  expect(out).toContain("started");
  await unwatched.done;
});
