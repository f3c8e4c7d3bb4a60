import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CONTROL_PLANE } from "../../local/versions.ts";
import { watchBuild } from "./build-progress.ts";
import { bringControlPlane, type BringOptions } from "./bring.ts";
import { cacheFolder, describeTried, findControlPlane } from "./control-plane.ts";
import { goSource, type Source } from "./sources.ts";

let root = "";
beforeEach(async () => void (root = await mkdtemp(path.join(tmpdir(), "ark-binaries-"))));
afterEach(() => rm(root, { recursive: true, force: true }));

const SYSTEM_PATH = "/usr/bin:/bin";

/** A pair of programs that answer `--version` as the real ones do. */
async function writePair(
  folder: string,
  apiServer: string = CONTROL_PLANE.kubernetes,
  etcd: string = CONTROL_PLANE.etcd,
) {
  await mkdir(folder, { recursive: true });
  for (const [name, says] of [
    ["kube-apiserver", `Kubernetes v${apiServer}`],
    ["etcd", `etcd Version: ${etcd}`],
  ] as const) {
    await writeFile(path.join(folder, name), `#!/bin/sh\necho "${says}"\n`);
    await chmod(path.join(folder, name), 0o755);
  }
}

function options(env: Record<string, string> = {}): BringOptions & { said: string[] } {
  const said: string[] = [];
  return {
    cacheDir: path.join(root, "cache"),
    env: { PATH: SYSTEM_PATH, ...env },
    signal: AbortSignal.timeout(60_000),
    onProgress: (message) => void said.push(message),
    platform: { os: "linux", arch: "x64" },
    sources: [],
    said,
  };
}

function fakeSource(name: string, fetch: Source["fetch"]): Source {
  return { name, version: CONTROL_PLANE.kubernetes, fetch };
}

test("KUBEBUILDER_ASSETS comes before the cache, the cache before PATH", async () => {
  const [assets, onPath] = [path.join(root, "assets"), path.join(root, "path")];
  const all = options({ KUBEBUILDER_ASSETS: assets, PATH: `${onPath}:${SYSTEM_PATH}` });
  await writePair(onPath);
  expect(await findControlPlane(all)).toMatchObject({ kind: "found", found: { source: "PATH" } });
  await writePair(cacheFolder(all.cacheDir, CONTROL_PLANE.envtest.version), CONTROL_PLANE.envtest.version);
  expect(await findControlPlane(all)).toMatchObject({
    found: { source: "cache", version: CONTROL_PLANE.envtest.version },
  });
  await writePair(assets);
  expect(await findControlPlane(all)).toMatchObject({
    found: { source: "KUBEBUILDER_ASSETS", apiServer: path.join(assets, "kube-apiserver") },
  });
});

test("B1: a binary that is too old, silent or half a pair is refused, and the reason is told", async () => {
  const assets = path.join(root, "assets");
  const all = options({ KUBEBUILDER_ASSETS: assets });
  const why = async () => {
    const outcome = await findControlPlane(all);
    return outcome.kind === "missing" ? describeTried(outcome.tried) : "found";
  };
  await writePair(assets, "1.20.0");
  expect(await why()).toContain(
    `kube-apiserver is 1.20.0, the tests need ${CONTROL_PLANE.minimum.kubernetes} or later`,
  );
  await writeFile(path.join(assets, "kube-apiserver"), "#!/bin/sh\nexit 3\n");
  expect(await why()).toContain("kube-apiserver ended with 3");
  await rm(path.join(assets, "kube-apiserver"));
  expect(await why()).toContain(`no ${path.join(assets, "kube-apiserver")}`);
});

test("B2: what a source brings is in the cache as a whole; a broken binary never gets there", async () => {
  const broken = fakeSource("broken", async ({ folder }) => {
    await writePair(folder, "1.2.3");
    return { kind: "brought" };
  });
  const unreachable = fakeSource("unreachable", async () => ({ kind: "failed", why: "no route" }));
  const good = fakeSource("good", async ({ folder }) => {
    await writePair(folder);
    return { kind: "brought" };
  });
  const all = options();
  const none = await bringControlPlane({ ...all, sources: [unreachable, broken] });
  expect(none.kind === "missing" && describeTried(none.tried)).toMatch(
    /KUBEBUILDER_ASSETS: is not set\n[^]*PATH: no kube-apiserver there\n {2}unreachable: no route\n {2}broken: .* is 1\.2\.3/,
  );
  expect(await readdir(path.join(all.cacheDir, "control-plane"))).toEqual([]);
  const found = await bringControlPlane({ ...all, sources: [unreachable, good] });
  const folder = cacheFolder(all.cacheDir, CONTROL_PLANE.kubernetes);
  expect(found).toMatchObject({ kind: "found", found: { source: "good", etcd: path.join(folder, "etcd") } });
  expect(all.said).toContain("unreachable failed: no route");
  expect(await readdir(path.join(all.cacheDir, "control-plane"))).toEqual([CONTROL_PLANE.kubernetes]);
});

test("two that bring at once: one works, the other waits and takes what was brought", async () => {
  let fetches = 0;
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const slow = fakeSource("slow", async ({ folder }) => {
    fetches += 1;
    await opened;
    await writePair(folder);
    return { kind: "brought" };
  });
  const first = { ...options(), sources: [slow] };
  const bringing = bringControlPlane(first);
  while (fetches === 0) await new Promise(setImmediate);
  const said: string[] = [];
  const listen = (message: string) => {
    said.push(message);
    open();
  };
  const second = bringControlPlane({ ...first, onProgress: listen });
  expect(await bringing).toMatchObject({ kind: "found", found: { source: "slow" } });
  expect(await second).toMatchObject({ kind: "found", found: { source: "cache" } });
  expect(said).toEqual([expect.stringContaining(`in use by process ${process.pid}; waiting for it`)]);
  expect(fetches).toBe(1);
});

test("without Go the build says so", async () => {
  const all = options({ PATH: root });
  expect(await goSource.fetch({ ...all, folder: root, platform: { os: "linux", arch: "x64" } })).toEqual({
    kind: "failed",
    why: "go is not on PATH",
  });
});

test("the Go modules pin the versions that versions.ts names", async () => {
  const modules = path.join(import.meta.dirname, "..", "modules");
  const kubernetes = await readFile(path.join(modules, "kubernetes", "go.mod"), "utf8");
  const etcd = await readFile(path.join(modules, "etcd", "go.mod"), "utf8");
  expect(kubernetes).toContain(`k8s.io/kubernetes v${CONTROL_PLANE.kubernetes}\n`);
  expect(etcd).toContain(`go.etcd.io/etcd/server/v3 v${CONTROL_PLANE.etcd}\n`);
});

test("a long build says how far it is", async () => {
  const said: string[] = [];
  let heard = () => {};
  const twice = new Promise<void>((resolve) => (heard = resolve));
  using progress = watchBuild("etcd", (message) => void (said.push(message) > 1 && heard()), 1);
  progress.read("go: downloading go.etcd.io/bbolt v1.4.3\ngo.etcd.io/bbolt\n");
  await twice;
  expect(said[1]).toMatch(/^building etcd: \d+ s, 1 modules downloaded, 1 packages compiled$/);
});
