import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findUpFile } from "./up-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-up-"));
  await mkdir(path.join(folder, ".ark"));
  await mkdir(path.join(folder, "deep", "er"), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (value: unknown) => writeFile(path.join(folder, ".ark", "up.json"), JSON.stringify(value));
const up = { url: "http://127.0.0.1:8092", token: "t", pid: process.pid, startedAt: "2026-03-17T10:00:00Z" };

it("finds the nearest .ark from any folder below, or the one that is named", async () => {
  await write(up);
  const wanted = { url: up.url, token: "t", pid: up.pid, path: path.join(folder, ".ark", "up.json") };
  expect(await findUpFile(path.join(folder, "deep", "er"))).toEqual(wanted);
  expect(await findUpFile("/", path.join(folder, ".ark"))).toEqual(wanted);
  expect(await findUpFile(folder, "elsewhere")).toBeUndefined();
});

it("takes no notice of what a dead process left, or of a file that is none of ours", async () => {
  // No process has this id: it is above the largest that Linux gives out.
  await write({ ...up, pid: 2 ** 22 + 1 });
  expect(await findUpFile(folder, ".ark")).toBeUndefined();
  await write({ hello: 1 });
  expect(await findUpFile(folder, ".ark")).toBeUndefined();
});
