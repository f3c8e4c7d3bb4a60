/**
 * The CRDs against a real API server: installed as they stand in `crds/`, and a corpus judged by the server and by
 * `validateObject` alike (D22, D50, P10).
 */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { KINDS } from "#core/api/kinds.ts";
import { startApiServer, type ApiServer } from "../harness/api-server.ts";
import { installCrd } from "../harness/crds.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const CRDS = path.join(ROOT, "crds");
/** `kubectl apply` keeps the whole manifest in an annotation, whose limit is 256 KiB. */
const MAX_MANIFEST_BYTES = 256 * 1024;

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
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
