import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { Secrets } from "./secrets.ts";

test("T1: a token that could not be kept is none: the next process would make another", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-secrets-"));
  const file = path.join(dir, "tokens.json");
  const secrets = await Secrets.open(dir);
  await mkdir(file);
  await expect(secrets.webhookToken("default", "hook")).rejects.toThrow();
  expect(secrets.secret("default", "hook-webhook-token")).toBeUndefined();
  await rm(file, { recursive: true });
  const token = await secrets.webhookToken("default", "hook");
  expect(await (await Secrets.open(dir)).webhookToken("default", "hook")).toBe(token);
  await rm(dir, { recursive: true });
});

test("T1: of a damaged file no token is made anew, and the file stays", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-secrets-"));
  const file = path.join(dir, "tokens.json");
  await writeFile(file, '{ "default/hook-webhook-token": ');
  await expect(Secrets.open(dir)).rejects.toMatchObject({ code: "file.refused" });
  expect(await readFile(file, "utf8")).toBe('{ "default/hook-webhook-token": ');
  await rm(dir, { recursive: true });
});
