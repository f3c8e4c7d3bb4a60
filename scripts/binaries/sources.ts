/**
 * Where kube-apiserver and etcd can come from when none is installed. Each source leaves both in `folder` or says why
 * not; none of them rejects.
 */
import { createHash } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { findOnPath, runCommand, type Env } from "../../local/nats-server/command.ts";
import { download } from "../../local/nats-server/download.ts";
import type { Platform } from "../../local/nats-server/sources.ts";
import { CONTROL_PLANE } from "../../local/versions.ts";
import { watchBuild } from "./build-progress.ts";

export type SourceContext = {
  folder: string;
  env: Env;
  platform: Platform;
  signal: AbortSignal;
  onProgress: (message: string) => void;
};

export type SourceOutcome = { kind: "brought" } | { kind: "failed"; why: string };

export type Source = { name: string; version: string; fetch(context: SourceContext): Promise<SourceOutcome> };

const MODULES = path.join(import.meta.dirname, "..", "modules");
const MAX_ARCHIVE_BYTES = 512 * 1024 * 1024;
const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** `base` is the folder above the release's tag, so that a mirror, or a test's own server, can stand in. */
export function envtestSource(
  base: string = CONTROL_PLANE.envtest.releaseBase,
  digests: Readonly<Record<string, string>> = CONTROL_PLANE.envtest.digests,
): Source {
  const { version } = CONTROL_PLANE.envtest;
  return { name: `envtest archive ${version}`, version, fetch: (context) => fromEnvtest(base, digests, context) };
}

export const goSource: Source = {
  name: `go build of Kubernetes ${CONTROL_PLANE.kubernetes} and etcd ${CONTROL_PLANE.etcd}`,
  version: CONTROL_PLANE.kubernetes,
  fetch: fromGo,
};

async function fromEnvtest(
  base: string,
  digests: Readonly<Record<string, string>>,
  { folder, env, platform, signal }: SourceContext,
): Promise<SourceOutcome> {
  const wanted = digests[`${platform.os}-${platform.arch}`];
  if (wanted === undefined) {
    return { kind: "failed", why: `there is no known archive for ${platform.os} ${platform.arch}` };
  }
  const tag = `envtest-v${CONTROL_PLANE.envtest.version}`;
  const url = `${base}/${tag}/${tag}-${platform.os}-${GO_ARCH[platform.arch]}.tar.gz`;
  const archive = await download(url, { timeoutMs: 300_000, maxBytes: MAX_ARCHIVE_BYTES, signal });
  if (archive.kind === "failed") return archive;
  const digest = createHash("sha512").update(archive.bytes).digest("hex");
  if (digest !== wanted) return { kind: "failed", why: `${url} has SHA-512 ${digest}, wanted ${wanted}` };
  return unpack(archive.bytes, folder, env, signal);
}

/** The archive holds `controller-tools/envtest/{etcd,kube-apiserver,kubectl}`. */
async function unpack(archive: Buffer, folder: string, env: Env, signal: AbortSignal): Promise<SourceOutcome> {
  const tar = await findOnPath("tar", env);
  if (tar === undefined) return { kind: "failed", why: "tar is not on PATH" };
  const file = path.join(folder, "envtest.tar.gz");
  await writeFile(file, archive);
  const outcome = await runCommand(tar, ["-xzf", file, "-C", folder], { env, timeoutMs: 120_000, signal });
  if (outcome.kind === "failed") return outcome;
  try {
    for (const name of ["kube-apiserver", "etcd"]) {
      await rename(path.join(folder, "controller-tools", "envtest", name), path.join(folder, name));
    }
  } catch (error) {
    return {
      kind: "failed",
      why: `the archive lacks a binary: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  return { kind: "brought" };
}

/** Both are pure Go. Without the linker's version, kube-apiserver would call itself 0.0.0. */
async function fromGo(context: SourceContext): Promise<SourceOutcome> {
  const go = await findOnPath("go", context.env);
  if (go === undefined) return { kind: "failed", why: "go is not on PATH" };
  const [major, minor] = CONTROL_PLANE.kubernetes.split(".");
  const version = Object.entries({ gitVersion: `v${CONTROL_PLANE.kubernetes}`, gitMajor: major, gitMinor: minor })
    .map(([name, value]) => ` -X k8s.io/component-base/version.${name}=${value}`)
    .join("");
  const etcd = await build(go, { module: "etcd", command: "etcd", target: ".", ldflags: "" }, context);
  if (etcd.kind === "failed") return etcd;
  const command = "kube-apiserver";
  const target = `k8s.io/kubernetes/cmd/${command}`;
  return build(go, { module: "kubernetes", command, target, ldflags: version }, context);
}

type Build = { module: string; command: string; target: string; ldflags: string };

async function build(
  go: string,
  { module, command, target, ldflags }: Build,
  { folder, env, signal, onProgress }: SourceContext,
): Promise<SourceOutcome> {
  using progress = watchBuild(command, onProgress);
  const words = ["build", "-v", "-ldflags", `-s -w${ldflags}`, "-o", path.join(folder, command), target];
  const outcome = await runCommand(go, words, {
    env: { ...env, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-mod=readonly -buildvcs=false" },
    cwd: path.join(MODULES, module),
    timeoutMs: 3_600_000,
    signal,
    onStderr: (text) => progress.read(text),
  });
  return outcome.kind === "failed" ? outcome : { kind: "brought" };
}
