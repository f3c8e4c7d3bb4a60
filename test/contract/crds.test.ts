/**
 * The CRDs against a real API server: installed as they stand in `crds/`, and a corpus judged by the server and by
 * `validateObject` alike (D22, D50, P10).
 */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isKind, KINDS } from "#core/api/kinds.ts";
import type { ObjectOf } from "#core/api/objects.ts";
import { checkUpdate } from "#core/api/validate.ts";
import { validateObject } from "#core/validate/validate.ts";
import { startApiServer, type ApiServer } from "../harness/api-server.ts";
import { CORPUS, readCorpus, readExceptions, type Sample } from "../harness/crd-corpus.ts";
import { installCrd } from "../harness/crds.ts";
import type { Answer } from "../harness/kube-rest.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const CRDS = path.join(ROOT, "crds");
/** `kubectl apply` keeps the whole manifest in an annotation, whose limit is 256 KiB. */
const MAX_MANIFEST_BYTES = 256 * 1024;

let api: ApiServer;

const samples = await readCorpus();
const exceptions = await readExceptions();

beforeAll(async () => {
  api = await startApiServer();
  await api.request("POST", "/api/v1/namespaces", { metadata: { name: "ai-team" } });
  await api.request("POST", "/api/v1/namespaces", { metadata: { name: "my-org" } });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe("crds/", () => {
  test("every kind is accepted, served and small enough for kubectl apply", async () => {
    for (const { plural } of Object.values(KINDS)) {
      const text = await readFile(path.join(CRDS, `arkonis.dev_${plural}.yaml`), "utf8");
      const manifest: unknown = parse(text);
      expect(JSON.stringify(manifest).length).toBeLessThan(MAX_MANIFEST_BYTES);
      await installCrd(api, manifest);
    }
    const generated = (await readdir(CRDS)).filter((name) => name.endsWith(".yaml"));
    expect(generated).toHaveLength(Object.keys(KINDS).length);
  });

  test("no definition is served with an objection", async () => {
    for (const { plural } of Object.values(KINDS)) {
      const answer = await api.request(
        "GET",
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.arkonis.dev`,
      );
      const { conditions } = answer.body["status"] as { conditions: { type: string; status: string }[] };
      const objections = conditions.filter(({ type }) => type === "NonStructuralSchema" || type === "NamesConflict");
      expect(objections, plural).toEqual([]);
    }
  });
});

/** Judged, not stored: defaults come back. Unknown fields are refused, as kubectl asks for. */
async function askServer(doc: Sample["doc"]): Promise<Answer> {
  const { kind, metadata } = doc as { kind: string; metadata: { namespace: string } };
  const plural = isKind(kind) ? KINDS[kind].plural : kind;
  const query = "dryRun=All&fieldValidation=Strict";
  return api.request("POST", `/apis/arkonis.dev/v1alpha1/namespaces/${metadata.namespace}/${plural}?${query}`, doc);
}

type Cause = { readonly field?: string };
type Status = { readonly message: string; readonly details?: { readonly causes?: readonly Cause[] } };

/** Places that the server names; of unknown fields only its sentence does. */
function placesOf(answer: Answer): readonly string[] {
  const { message, details } = answer.body as unknown as Status;
  const unknown = [...message.matchAll(/unknown field "([^"]+)"/g)].map((match) => match[1] ?? "");
  return [...unknown, ...(details?.causes ?? []).map(({ field }) => field ?? "")];
}

/** The server's place is ours, or a field around it or inside it. */
function around(place: string, wanted: string): boolean {
  const plain = (text: string): string =>
    text
      .replace(/^<nil>$/, "")
      .replaceAll('"', "")
      .replaceAll(/\[([^\]\d][^\]]*)\]/g, ".$1");
  const [theirs, ours] = [plain(place), plain(wanted)];
  return ours.startsWith(theirs) || theirs.startsWith(ours);
}

function serverVerdict({ file, verdict }: Sample): "accepts" | "refuses" {
  return exceptions.get(file)?.server ?? (verdict === "valid" ? "accepts" : "refuses");
}

describe("the corpus", () => {
  test("is large enough, and every exception is one of it", () => {
    for (const kind of ["ark-agent", "ark-event", "ark-run", "ark-team"]) {
      const ofKind = samples.filter(({ file }) => file.startsWith(`${kind}/`));
      expect(ofKind.filter(({ verdict }) => verdict === "valid").length, kind).toBeGreaterThanOrEqual(10);
      expect(ofKind.filter(({ verdict }) => verdict === "invalid").length, kind).toBeGreaterThanOrEqual(25);
    }
    const files = samples.map(({ file }) => file);
    expect(
      [...exceptions.keys()].filter((file) => !files.includes(file)),
      CORPUS,
    ).toEqual([]);
  });

  test.each(samples)("$file: the API server agrees, or the exception says why not", async (sample) => {
    const answer = await askServer(sample.doc);
    expect(answer.status === 201 ? "accepts" : "refuses", JSON.stringify(answer.body)).toBe(serverVerdict(sample));
    if (answer.status === 201 || sample.verdict === "valid") return;
    const places = placesOf(answer);
    expect(
      places.some((place) => around(place, sample.expect)),
      `${sample.expect} in ${places.join(", ")}`,
    ).toBe(true);
  });

  test.each(samples.filter((one) => one.verdict === "valid" && serverVerdict(one) === "accepts"))(
    "$file: the same defaults here and there",
    async ({ doc }) => {
      const outcome = await validateObject(doc);
      const answer = await askServer(doc);
      expect(outcome).toMatchObject({ kind: "valid" });
      if (outcome.kind === "valid") expect(outcome.object.spec).toEqual(answer.body["spec"]);
    },
  );
});

const BASE = "/apis/arkonis.dev/v1alpha1/namespaces/default";
const head = (kind: string, name: string) => ({
  apiVersion: "arkonis.dev/v1alpha1",
  kind,
  metadata: { name, namespace: "default" },
});

async function created(kind: keyof typeof KINDS, name: string, spec: unknown): Promise<string> {
  const { plural } = KINDS[kind];
  const answer = await api.request("POST", `${BASE}/${plural}`, { ...head(kind, name), spec });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return `${BASE}/${plural}/${name}`;
}

describe("P5: the API server keeps an ArkRun's spec", () => {
  const roles = [{ name: "writer", arkAgent: "house-writer" }];
  const bare = { teamRef: "t", input: { a: "1" } };
  const pipeline = [{ role: "writer", outputSchema: { type: "object" } }];
  const snapshot = { teamRef: "t", teamGeneration: 2, input: { a: "1", b: "2" }, pipeline, roles };
  const changes: readonly (readonly [string, object, object, boolean])[] = [
    ["the-same-again", snapshot, snapshot, true],
    ["the-one-snapshot", bare, snapshot, true],
    ["snapshot-without-input-before", { teamRef: "t" }, snapshot, true],
    ["snapshot-without-generation", bare, { ...bare, pipeline, roles }, false],
    ["snapshot-changes-given-input", bare, { ...snapshot, input: { a: "2" } }, false],
    ["snapshot-drops-given-input", bare, { ...snapshot, input: { b: "2" } }, false],
    ["snapshot-drops-all-input", bare, { teamRef: "t", teamGeneration: 2, pipeline, roles }, false],
    ["snapshot-of-another-team", bare, { ...snapshot, teamRef: "u" }, false],
    ["second-snapshot", snapshot, { ...snapshot, teamGeneration: 3 }, false],
    ["snapshot-beside-own-fields", { ...bare, maxTokens: 5 }, { ...snapshot, maxTokens: 5 }, false],
    ["another-input-later", snapshot, { ...snapshot, input: { a: "1", b: "2", c: "3" } }, false],
    ["another-schema-later", snapshot, { ...snapshot, pipeline: [{ role: "writer", outputSchema: {} }] }, false],
    ["another-prompt", { agent: "a", prompt: "x" }, { agent: "a", prompt: "y" }, false],
  ];

  test.each(changes)("%s", async (name, before, after, allowed) => {
    const path = await created("ArkRun", name, before);
    const { body } = await api.request("GET", path);
    const answer = await api.request("PUT", path, { ...body, spec: after });
    expect(answer.status, JSON.stringify(answer.body)).toBe(allowed ? 200 : 422);
    const run = (spec: object) => ({ ...head("ArkRun", name), spec }) as ObjectOf<"ArkRun">;
    expect(checkUpdate("ArkRun", run(after), run(before)).length === 0, "checkUpdate").toBe(allowed);
  });

  test("the order in which the server walks a map does not matter", async () => {
    const input = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`k${i}`, `${i}`]));
    const path = await created("ArkRun", "many-keys", { teamRef: "t", input });
    for (let i = 0; i < 20; i++) {
      const patch = { metadata: { annotations: { turn: `${i}` } }, spec: { input } };
      expect((await api.request("PATCH", path, patch)).status).toBe(200);
    }
    expect((await api.request("PATCH", path, { spec: { teamGeneration: 1, roles, pipeline } })).status).toBe(200);
    expect((await api.request("PATCH", path, { spec: { input: { k5: "x" } } })).status).toBe(422);
  });

  test("its status is written apart, its metadata any time", async () => {
    const path = await created("ArkRun", "lives", snapshot);
    const status = { phase: "Running", steps: [{ name: "writer", phase: "Pending" }] };
    expect((await api.request("PATCH", `${path}/status`, { status })).body["status"]).toEqual(status);
    const cancel = { metadata: { annotations: { "arkonis.dev/cancel": "true" } } };
    expect((await api.request("PATCH", path, cancel)).status).toBe(200);
  });

  test("an input as large as a webhook's body is stored and kept", async () => {
    const input = { body: "x".repeat(1_000_000), topic: "y" };
    const path = await created("ArkRun", "large", { teamRef: "t", input });
    const patch = { spec: { teamGeneration: 1, roles, pipeline, input: { extra: "z" } } };
    expect((await api.request("PATCH", path, patch)).status).toBe(200);
    expect((await api.request("PATCH", path, { spec: { input: { topic: "other" } } })).status).toBe(422);
  });
});

describe("what kubectl shows", () => {
  type Table = { columnDefinitions: { name: string; priority: number }[]; rows: { cells: unknown[] }[] };

  async function table(path: string): Promise<Table> {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    return (await api.request("GET", path, undefined, { accept })).body as unknown as Table;
  }

  test.each(Object.values(KINDS))("$kind: the columns of the reference, in order", async ({ plural, columns }) => {
    const { columnDefinitions } = await table(`${BASE}/${plural}`);
    expect(columnDefinitions.map(({ name, priority }) => (priority > 0 ? `${name} (wide)` : name))).toEqual([
      "Name",
      ...columns.map(({ name, wide }) => (wide === true ? `${name} (wide)` : name)),
      "Age",
    ]);
  });

  test("short name, category and scale", async () => {
    const { resources } = (await api.request("GET", "/apis/arkonis.dev/v1alpha1")).body as unknown as {
      resources: { name: string; shortNames?: string[]; categories?: string[] }[];
    };
    const byName = new Map(resources.map((resource) => [resource.name, resource]));
    expect(byName.get("arkruns")?.shortNames).toEqual(["aorun"]);
    for (const { plural } of Object.values(KINDS)) {
      expect(byName.get(plural)?.categories).toEqual(["ark"]);
      expect(byName.has(`${plural}/status`)).toBe(true);
    }
    const path = await created("ArkAgent", "scaled", { model: "mock", systemPrompt: "x" });
    const answer = await api.request("PATCH", `${path}/scale`, { spec: { replicas: 7 } });
    expect(answer.status).toBe(200);
    expect((await api.request("GET", path)).body["spec"]).toMatchObject({ replicas: 7 });
  });
});
