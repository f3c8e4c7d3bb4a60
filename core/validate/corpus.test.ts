import { expect, test } from "vitest";
import { readCorpus } from "../../test/harness/crd-corpus.ts";
import { validateObject } from "./validate.ts";

const samples = await readCorpus();

test.each(samples.filter(({ verdict }) => verdict === "valid"))("$file", async ({ doc }) => {
  expect(await validateObject(doc)).toMatchObject({ kind: "valid" });
});

/** One fault each; what follows from it may be said too, around that place or inside it. */
test.each(samples.filter(({ verdict }) => verdict === "invalid"))("$file", async ({ doc, expect: place }) => {
  const outcome = await validateObject(doc);
  const paths = outcome.kind === "invalid" ? outcome.faults.map(({ path }) => path) : [];
  expect(paths[0]).toBe(place);
  expect(paths.filter((path) => !path.startsWith(place) && !place.startsWith(path))).toEqual([]);
});
