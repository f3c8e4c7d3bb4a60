/** Kubernetes Events on a real API server. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { openKube } from "#platform/kube/client.ts";
import { createRecorder } from "#platform/kube/events.ts";
import { startApiServer, type ApiServer } from "../../harness/api-server.ts";
import { startKube } from "../../harness/kube.ts";

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
const POLL = { timeout: 20_000, interval: 50 };

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api[Symbol.asyncDispose]());

const regarding = (name: string) => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind: "ArkEvent",
  namespace: "default",
  name,
  uid: `uid-of-${name}`,
});

async function countOf(name: string): Promise<number> {
  const { body } = await api.request("GET", EVENTS);
  const { items } = body as { items: { regarding: { name: string } }[] };
  return items.filter((event) => event.regarding.name === name).length;
}

test("V3: of one object 25 are told at once, then one every five minutes; others lose nothing by it", async () => {
  let now = Date.parse("2026-11-21T10:00:00Z");
  const kube = openKube({ kubeconfig: api.kubeconfig });
  const recorder = createRecorder(kube, { controller: "arkonis.dev/test", instance: "test", now: () => now, log });
  const tell = (name: string, count: number) => {
    for (let n = 0; n < count; n += 1)
      recorder.tell(regarding(name), { type: "Normal", reason: "Fired", action: "Fired", note: `run ${now}-${n}` });
  };
  tell("busy", 40);
  tell("calm", 1);
  await expect.poll(() => countOf("busy"), POLL).toBe(25);
  await expect.poll(() => countOf("calm"), POLL).toBe(1);
  now += 10 * 60_000;
  tell("busy", 40);
  await expect.poll(() => countOf("busy"), POLL).toBe(27);
});

test("V2: while the good takes all of its room, what asks for a look is still told", async () => {
  const kube = openKube({ kubeconfig: api.kubeconfig });
  const recorder = createRecorder(kube, { controller: "c", instance: "i", now: Date.now, log, room: 4 });
  const tell = (name: string, type: "Normal" | "Warning") =>
    recorder.tell(regarding(name), { type, reason: "Told", action: "Told", note: name });
  for (const name of ["good-1", "good-2", "good-3"]) tell(name, "Normal");
  tell("bad", "Warning");
  await expect.poll(() => countOf("bad"), POLL).toBe(1);
  await expect.poll(() => countOf("good-2"), POLL).toBe(1);
  expect(await Promise.all(["good-1", "good-3"].map(countOf))).toEqual([1, 0]);
});

test("V4: one is written at a time, and what asks for a look before the good that was told earlier", async () => {
  const written: string[] = [];
  let open = 0;
  let most = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    most = Math.max(most, (open += 1));
    const { note } = (await json(request)) as { note: string };
    written.push(note);
    response.once("close", () => (open -= 1));
    response.writeHead(201).end("{}");
  };
  await using there = await startKube((request, response) => void take(request, response));
  const kube = openKube({ kubeconfig: there.kubeconfig });
  const recorder = createRecorder(kube, { controller: "c", instance: "i", now: Date.now, log });
  for (const note of ["good-1", "good-2", "good-3"])
    recorder.tell(regarding(note), { type: "Normal", reason: "Told", action: "Told", note });
  recorder.tell(regarding("bad"), { type: "Warning", reason: "Told", action: "Told", note: "bad" });
  await expect.poll(() => written, POLL).toEqual(["good-1", "bad", "good-2", "good-3"]);
  expect(most).toBe(1);
});
