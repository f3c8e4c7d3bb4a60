import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { readProviders } from "#core/agent/provider.ts";
import { ArkError } from "#core/errors.ts";
import { readAgentFile } from "./agent-file.ts";

async function write(spec: unknown, secrets: Readonly<Record<string, string>> = {}) {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-agent-file-"));
  const secretsDir = path.join(dir, "secrets");
  for (const [place, text] of Object.entries(secrets)) {
    await mkdir(path.dirname(path.join(secretsDir, place)), { recursive: true });
    await writeFile(path.join(secretsDir, place), text);
  }
  const file = path.join(dir, "agent.json");
  const agent = {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "a", namespace: "ns" },
    spec,
  };
  await writeFile(file, JSON.stringify({ agent }));
  const providers = readProviders({ ARK_MOCK_BASE_URL: "http://127.0.0.1:1/v1" });
  return {
    read: () => readAgentFile({ file, configMapsDir: path.join(dir, "maps"), secretsDir, providers }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

test("D29: prompt and headers come from mounted Secrets", async () => {
  await using files = await write(
    {
      model: "mock",
      systemPromptRef: { secretKeyRef: { name: "prompts", key: "writer" } },
      mcpServers: [
        { name: "wiki", url: "http://wiki/mcp", auth: { bearer: { secretKeyRef: { name: "wiki", key: "token" } } } },
      ],
    },
    { "prompts/writer": "Be brief.", "wiki/token": "s3cret\n" },
  );
  const { agent } = files.read();
  expect(agent.systemPrompt).toBe("Be brief.");
  expect(agent.mcpServers[0]?.headers).toEqual({ authorization: "Bearer s3cret" });
});

test("D29: a client certificate comes from a mounted Secret of type kubernetes.io/tls", async () => {
  const cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
  const key = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----";
  await using files = await write(
    {
      model: "mock",
      systemPrompt: "x",
      mcpServers: [{ name: "wiki", url: "https://wiki/mcp", auth: { mtls: { secretRef: { name: "client" } } } }],
    },
    { "client/tls.crt": `${cert}\n`, "client/tls.key": `${key}\n` },
  );
  const { agent } = files.read();
  expect(agent.mcpServers[0]).toMatchObject({ headers: {}, tls: { cert, key } });
  expect(agent.secrets).toContain(key);
});

test.each([
  ["a Secret that is not mounted", { secretKeyRef: { name: "prompts", key: "writer" } }],
  ["a key that leaves the folder", { secretKeyRef: { name: "prompts", key: "../../agent.json" } }],
])("D49: %s stops the start, with the reason", async (_what, systemPromptRef) => {
  await using files = await write({ model: "mock", systemPromptRef }, { "prompts/other": "x" });
  expect(files.read).toThrow(ArkError);
  expect(files.read).toThrow(/PromptResolutionError/);
});

test("D31: a model that nobody serves stops the start", async () => {
  await using files = await write({ model: "unheard-of", systemPrompt: "x" });
  expect(files.read).toThrow(/UnknownModel/);
});
