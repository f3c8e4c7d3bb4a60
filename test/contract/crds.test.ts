/**
 * The CRDs against a real API server: installed as they stand in `crds/`, and a corpus judged by the server and by
 * `validateObject` alike (D22, D50, P10).
 */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isKind, KINDS } from "#core/api/kinds.ts";
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
    expect(await readdir(CRDS)).toHaveLength(Object.keys(KINDS).length);
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
