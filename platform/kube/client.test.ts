import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { StoreUnavailable } from "#core/ports/record.ts";
import { openKube } from "./client.ts";

function kubeconfig(cluster: object, user: object = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ark-kubeconfig-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "config");
  const config = {
    "current-context": "c",
    clusters: [{ name: "c", cluster }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    users: [{ name: "u", user }],
  };
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
  return file;
}

test("a server without TLS is a matter of the kubeconfig, with its next step; one that it says it of is asked", async () => {
  const proxy = createServer((_request, response) => void response.end('{"major":"1"}'));
  await new Promise<void>((resolve) => void proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void proxy.close());
  const server = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const open = (more: object) => openKube({ kubeconfig: kubeconfig({ server, ...more }) });
  expect(() => open({})).toThrow(expect.objectContaining({ code: "server.unreachable" }));
  expect(() => open({})).toThrow("insecure-skip-tls-verify");
  const answer = await open({ "insecure-skip-tls-verify": true }).request({ method: "GET", path: "/version" });
  expect(answer).toMatchObject({ status: 200, body: { major: "1" } });
});

test.each([
  [
    "a plugin that is not installed",
    { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "no-such-plugin" } },
  ],
  ["a certificate that is not there", { "client-certificate": "/no/such.crt", "client-key": "/no/such.key" }],
])("Q2: credentials of %s are away, no fault of Ark's own", async (_, user) => {
  const kube = openKube({ kubeconfig: kubeconfig({ server: "https://127.0.0.1:1" }, user) });
  const asked = kube.request({ method: "GET", path: "/version" });
  await expect(asked).rejects.toThrow(StoreUnavailable);
  await expect(asked).rejects.toThrow(/no-such-plugin|no\/such/);
});
