import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { CONTROL_PLANE } from "../../local/versions.ts";
import { bringControlPlane } from "../../scripts/binaries/bring.ts";
import { describeTried } from "../../scripts/binaries/control-plane.ts";
import { envtestSource } from "../../scripts/binaries/sources.ts";
import { startHttp } from "../harness/http.ts";

const { version } = CONTROL_PLANE.envtest;

async function makeArchive(root: string): Promise<Buffer> {
  const folder = path.join(root, "archive", "controller-tools", "envtest");
  await mkdir(folder, { recursive: true });
  for (const [name, says] of [
    ["kube-apiserver", `Kubernetes v${version}`],
    ["etcd", "etcd Version: 3.6.4"],
  ] as const) {
    await writeFile(path.join(folder, name), `#!/bin/sh\necho "${says}"\n`);
    await chmod(path.join(folder, name), 0o755);
  }
  const file = path.join(root, "archive.tar.gz");
  execFileSync("tar", ["-czf", file, "-C", path.join(root, "archive"), "controller-tools"]);
  return readFile(file);
}

test("B3: the envtest archive is taken with the right digest only", async () => {
  const root = await mkdtemp(path.join(tmpdir(), "ark-envtest-"));
  const archive = await makeArchive(root);
  const asked: (string | undefined)[] = [];
  await using server = await startHttp((request, response) => {
    asked.push(request.url);
    response.end(archive);
  });
  try {
    const bring = (digest: string) =>
      bringControlPlane({
        cacheDir: path.join(root, "cache"),
        env: { PATH: "/usr/bin:/bin" },
        signal: AbortSignal.timeout(60_000),
        onProgress: () => {},
        platform: { os: "linux", arch: "arm64" },
        sources: [envtestSource(server.url, { "linux-arm64": digest })],
      });
    const refused = await bring("0".repeat(128));
    expect(refused.kind === "missing" && describeTried(refused.tried)).toContain("has SHA-512");
    const found = await bring(createHash("sha512").update(archive).digest("hex"));
    expect(found).toMatchObject({ kind: "found", found: { version, source: `envtest archive ${version}` } });
    expect(asked.at(-1)).toBe(`/envtest-v${version}/envtest-v${version}-linux-arm64.tar.gz`);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
