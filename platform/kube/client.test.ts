import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openKube } from "./client.ts";

function kubeconfig(cluster: object): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ark-kubeconfig-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "config");
  const config = {
    "current-context": "c",
    clusters: [{ name: "c", cluster }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    users: [{ name: "u", user: {} }],
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
