/** The far side of a Kubernetes client where a test says each answer: `await using there = await startKube(…);` */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { startHttp } from "./http.ts";

export type TestKube = {
  /** Path of a kubeconfig that leads to it, and to nothing else. */
  readonly kubeconfig: string;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export async function startKube(listener: RequestListener): Promise<TestKube> {
  const there = await startHttp(listener);
  const folder = await mkdtempDisposable(path.join(tmpdir(), "ark-kube-"));
  const kubeconfig = path.join(folder.path, "config");
  const config = {
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server: there.url, "insecure-skip-tls-verify": true } }],
    users: [{ name: "test", user: {} }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return {
    kubeconfig,
    async [Symbol.asyncDispose]() {
      await folder.remove();
      await there[Symbol.asyncDispose]();
    },
  };
}
