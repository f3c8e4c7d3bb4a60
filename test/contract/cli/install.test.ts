/** `ark install` and `kubectl ark`, with a kubectl that tells what it was asked. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ark } from "../../harness/cli.ts";

const OVERLAYS = path.resolve("knative/overlays");
let folder: string;
let env: { PATH: string };

async function program(name: string, lines: string): Promise<void> {
  await writeFile(path.join(folder, name), `#!/bin/sh\n${lines}\n`);
  await chmod(path.join(folder, name), 0o755);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ark-install-"));
  env = { PATH: folder };
  await program(
    "kubectl",
    'for last; do :; done; case "$last" in *broken) echo "no such base" >&2; exit 1;; esac; echo "$*"',
  );
  await program("ark", 'echo "$ARK_TARGET $*"');
  await mkdir(path.join(folder, "broken"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("X1: it prints what kubectl renders, and changes nothing", async () => {
  const { code, out, err } = await ark(["install", "--overlay", "kind"], { env });
  expect({ code, out }).toEqual({ code: 0, out: `kustomize ${path.join(OVERLAYS, "kind")}\n` });
  expect(err).toContain("Nothing was changed");
});

test("--apply applies server-side, to the cluster that the flags name", async () => {
  const { code, out } = await ark(["install", "--apply", "--context", "there", "--kubeconfig", "/k"], { env });
  const words = "--server-side --force-conflicts --field-manager=ark-install";
  expect({ code, out }).toEqual({
    code: 0,
    out: `--context=there --kubeconfig=/k apply ${words} -k ${path.join(OVERLAYS, "production")}\n`,
  });
});

test("a kustomization of the user's own: a folder of theirs, or an address", async () => {
  const address = "https://example.com/repo//overlay?ref=v1";
  expect((await ark(["install", "-k", address], { env })).out).toBe(`kustomize ${address}\n`);
  const absent = await ark(["install", "-k", "absent"], { env, cwd: folder });
  expect(absent).toMatchObject({ code: 2, err: expect.stringContaining("manifest.not_found") });
  const broken = await ark(["install", "-k", "broken"], { env, cwd: folder });
  expect(broken.code).toBe(3);
  expect(broken.err).toMatch(/^no such base\nerror: server\.refused: kubectl kustomize ended with 1\nnext: /);
});

test("without kubectl it says so: 3, and where to get it", async () => {
  const { code, err } = await ark(["install"], { env: { PATH: path.join(folder, "broken") } });
  expect(code).toBe(3);
  expect(err).toMatch(/^error: kubectl\.missing: kubectl is not on PATH\nnext: Install it: https:/);
});

test("kubectl ark runs `ark` with the same words, and always on the cluster", async () => {
  const run = promisify(execFile);
  const { stdout } = await run(path.resolve("scripts/kubectl-ark"), ["get", "runs", "-n", "a b"], {
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
  });
  expect(stdout).toBe("cluster get runs -n a b\n");
});
