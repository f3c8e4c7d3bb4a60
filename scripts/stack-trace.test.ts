import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { bundle } from "./bundle.ts";
import { bySource } from "./stack-trace.ts";

const THROWING = `function deepInside(value: string): never {
  const words = [value, "happened"];
  throw new Error(words.join(" "));
}

console.log(JSON.stringify({ words: "before" }));
try {
  deepInside("it");
} catch (error) {
  console.log(JSON.stringify({ stack: (error as Error).stack }));
}
`;

test("a bundle's stack trace is mapped by hand; at run time Node has no map to decode", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-trace-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "throwing.ts");
  await writeFile(file, THROWING);
  await writeFile(path.join(folder, "package.json"), '{"type":"module"}');
  const { dir } = await bundle({ name: "throwing", file }, folder);
  const main = path.join(dir, "main.js");
  const { stdout } = await promisify(execFile)(process.execPath, ["--enable-source-maps", main]);
  expect(stdout).toContain("throwing/main.js:");
  expect(stdout).not.toContain("throwing.ts");
  // As an image says it.
  const log = stdout.replaceAll(folder, "/app");
  const places = (await bySource(log, folder)).match(/[\w./-]*throwing\.ts:\d+:\d+/g) ?? [];
  expect(places.map((place) => place.replace(/^.*\//, "").replace(/:\d+$/, ""))).toEqual([
    "throwing.ts:3",
    "throwing.ts:8",
  ]);
  expect(await bySource("    at run (file:///app/other/main.js:1:2)", folder)).toContain("/app/other/main.js:1:2");
});

test("what goes into an image has no map", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-image-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "throwing.ts");
  await writeFile(file, THROWING);
  const { dir } = await bundle({ name: "throwing", file }, folder, { maps: false });
  expect(await readdir(dir)).toEqual(["main.js"]);
});
