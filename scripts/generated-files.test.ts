import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { expect, test } from "vitest";
import { GENERATED, generatedFiles } from "./generated-files.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

test("what is committed is what the schemas say: npm run generate", async () => {
  const files = generatedFiles();
  const present = await Promise.all(
    ["crds", "docs/reference"].map(async (folder) => {
      const names = await readdir(path.join(ROOT, folder));
      return names.filter((name) => GENERATED.test(name)).map((name) => `${folder}/${name}`);
    }),
  );
  expect(present.flat().toSorted()).toEqual([...files.keys()].toSorted());
  for (const [name, text] of files) expect(await readFile(path.join(ROOT, name), "utf8"), name).toBe(text);
});
