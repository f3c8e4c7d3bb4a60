import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { expect, test } from "vitest";
import type * as z from "zod";
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

test("the reference of settings has every variable of every process, and of the command", async () => {
  const page = generatedFiles().get("docs/reference/settings.md") ?? "";
  const functions = await readdir(path.join(ROOT, "functions"));
  const configs = ["operator/config.ts", ...functions.map((name) => `functions/${name}/config.ts`)];
  for (const file of configs) {
    const { ENV } = (await import(path.join(ROOT, file))) as { ENV: z.ZodObject };
    const process = path.basename(path.dirname(file));
    for (const name of Object.keys(ENV.shape))
      expect(page, file).toMatch(
        new RegExp(`^\\| \`${name}\` \\| (all|all functions|[a-z, ]*\\b${process}\\b[a-z, ]*) \\|`, "m"),
      );
  }
  for (const folder of ["core", "platform", "functions", "operator", "local", "cli"]) {
    for (const name of await readdir(path.join(ROOT, folder), { recursive: true })) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const text = await readFile(path.join(ROOT, folder, name), "utf8");
      for (const [, variable] of text.matchAll(/env\["(ARK_\w+)"\]/g))
        expect(page, name).toContain(`| \`${variable}\` |`);
    }
  }
});
