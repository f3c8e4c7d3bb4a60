import { expect, test } from "vitest";
import { type ArkAgent, ArkAgentSchema } from "#core/api/v1alpha1/ark-agent.ts";
import { type ArkSettingsSpec, ArkSettingsSpecSchema } from "#core/api/v1alpha1/ark-settings.ts";
import { resolveAgent } from "./resolve.ts";
import type { Lookups } from "./unresolved.ts";

function agent(spec: object): ArkAgent {
  return ArkAgentSchema.parse({
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkAgent",
    metadata: { name: "writer", namespace: "ai-team" },
    spec: { model: "mock", ...spec },
  });
}

function resolve(spec: object, settings: Record<string, object> = {}, changes: Partial<Lookups> = {}) {
  const parsed = new Map<string, ArkSettingsSpec>(
    Object.entries(settings).map(([name, value]) => [name, ArkSettingsSpecSchema.parse(value)]),
  );
  return resolveAgent(agent(spec), {
    configMapKey: (name, key) => (name === "prompts" && key === "writer" ? "You write." : undefined),
    secretKey: (name, key) => (name === "wiki-token" && key === "token" ? "s3cret\n" : undefined),
    settings: (name) => parsed.get(name),
    providerFor: () => ({ kind: "provider", provider: { baseUrl: "http://model" } }),
    allowStdio: false,
    ...changes,
  });
}

test("an agent without more than a prompt gets the documented limits", () => {
  const outcome = resolve({ systemPrompt: "Write." });
  expect(outcome).toMatchObject({
    kind: "resolved",
    agent: { systemPrompt: "Write.", limits: { maxTokensPerCall: 8000, timeoutMs: 120_000, retries: 3, maxTurns: 50 } },
  });
});

test("prompts come from ConfigMaps; a missing key is a reason, never an empty prompt (D49)", () => {
  const ref = (key: string) => ({ systemPromptRef: { configMapKeyRef: { name: "prompts", key } } });
  expect(resolve(ref("writer"))).toMatchObject({ agent: { systemPrompt: "You write." } });
  expect(resolve(ref("other"))).toEqual({
    kind: "unresolved",
    reason: "PromptResolutionError",
    message: 'systemPromptRef: ConfigMap "prompts" has no key "other"',
  });
});

test("settings apply in order: the later wins, fragments stand around the prompt", () => {
  const outcome = resolve(
    { systemPrompt: "Write.", settingsRefs: [{ name: "a" }, { name: "b" }] },
    {
      a: { temperature: "0.2", promptFragments: { outputRules: "Short.", zeta: "Z", alpha: "A", persona: "P" } },
      b: {
        temperature: "0.7",
        fragments: [
          { name: "x", text: "X", position: "prepend" },
          { name: "y", text: "Y" },
        ],
      },
    },
  );
  expect(outcome).toMatchObject({
    agent: { temperature: 0.7, fragments: { before: ["P", "X"], after: ["A", "Z", "Y", "Short."] } },
  });
  expect(resolve({ systemPrompt: "x", configRef: { name: "gone" } })).toMatchObject({ reason: "SettingsNotFound" });
});

test("an MCP server's bearer comes from its Secret; without it the agent lacks credentials", () => {
  const server = (name: string) => ({
    systemPrompt: "x",
    mcpServers: [{ name: "wiki", url: "https://wiki/mcp", auth: { bearer: { secretKeyRef: { name, key: "token" } } } }],
  });
  expect(resolve(server("wiki-token"))).toMatchObject({
    agent: {
      mcpServers: [{ headers: { authorization: "Bearer s3cret" }, timeoutMs: 30_000 }],
      // P7: known for what they are, so that they can be taken out of what comes back.
      secrets: ["s3cret"],
    },
  });
  expect(resolve(server("none"))).toMatchObject({ kind: "unresolved", reason: "MissingCredentials" });
});

const CERT = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
const CA = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----";
const KEY = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----";
const WHOLE = { "tls.crt": `${CERT}\n`, "tls.key": `${KEY}\n`, "ca.crt": `${CA}\n` };
const { "ca.crt": _ca, ...PUBLIC } = WHOLE;
const { "tls.key": _key, ...KEYLESS } = WHOLE;

function withCertificate(secret: Readonly<Record<string, string>>, security: object = {}) {
  const auth = { mtls: { secretRef: { name: "wiki-client" } } };
  return resolve(
    {
      systemPrompt: "x",
      mcpServers: [{ name: "wiki", url: "https://wiki/mcp", auth }],
      settingsRefs: [{ name: "s" }],
    },
    { s: { security } },
    { secretKey: (name, key) => (name === "wiki-client" ? secret[key] : undefined) },
  );
}

test.each([
  ["with its authority", WHOLE, { cert: CERT, key: KEY, ca: CA }, [CERT, KEY, CA]],
  ["of a public authority", PUBLIC, { cert: CERT, key: KEY }, [CERT, KEY]],
  ["whose authority is empty", { ...WHOLE, "ca.crt": "" }, { cert: CERT, key: KEY }, [CERT, KEY]],
])("an MCP server's client certificate comes from its Secret, %s", (_what, secret, tls, secrets) => {
  const outcome = withCertificate(secret);
  expect(outcome).toMatchObject({ kind: "resolved", agent: { mcpServers: [{ headers: {} }] } });
  if (outcome.kind !== "resolved") return;
  expect(outcome.agent.mcpServers[0]?.tls).toEqual(tls);
  // P7.
  expect(outcome.agent.secrets).toEqual(expect.arrayContaining(secrets));
});

test.each([
  ["is not there", {}, 'Secret "wiki-client" has no key "tls.crt"'],
  ["lacks the key", KEYLESS, 'Secret "wiki-client" has no key "tls.key"'],
  ["is not filled yet", { "tls.crt": "", "tls.key": "" }, 'key "tls.crt" of Secret "wiki-client" holds no PEM'],
  ["holds something else", { ...WHOLE, "tls.key": "s3cret" }, 'key "tls.key" of Secret "wiki-client" holds no PEM'],
])("D49: a client certificate whose Secret %s is a reason", (_what, secret, message) => {
  expect(withCertificate(secret)).toEqual({
    kind: "unresolved",
    reason: "MissingCredentials",
    message: `mcpServers "wiki": ${message}`,
  });
});

test.each([
  ["https://tools.example", "https://tools.example/mcp", true],
  ["https://tools.example", "https://tools.example", true],
  ["https://tools.example", "https://tools.example:8443/mcp", true],
  ["https://tools.example:443/", "https://tools.example:443/mcp", true],
  ["https://tools.example/", "https://tools.example/mcp", true],
  ["https://tools.example", "https://tools.example.evil.org/mcp", false],
  ["https://tools.example", "https://tools.example:x@evil.org/mcp", false],
  ["https://tools.example/mine", "https://tools.example/mine/mcp", true],
  ["https://tools.example/mine", "https://tools.example/mine2/mcp", false],
  ["https://tools.example/mine/", "https://tools.example/mine/../theirs", false],
  ["https://tools.example/mine/", "https://tools.example/mine/%2e%2e/theirs", false],
  ["https://tools.example/mine/", "https://tools.example/mine/..\\theirs", false],
])("the allow-list %j lets the MCP server %j in: %j", (prefix, url, allowed) => {
  const outcome = resolve(
    { systemPrompt: "x", mcpServers: [{ name: "t", url }], settingsRefs: [{ name: "s" }] },
    { s: { security: { mcpAllowlist: ["https://other.example", prefix] } } },
  );
  expect(outcome.kind).toBe(allowed ? "resolved" : "unresolved");
});

test("P7: an MCP server that is not allowed is named without what may be secret in its address", () => {
  const url = "https://me:s3cret@evil.org/mcp?token=s3cret";
  expect(
    resolve(
      { systemPrompt: "x", mcpServers: [{ name: "t", url }], configRef: { name: "s" } },
      { s: { security: { mcpAllowlist: ["https://tools.example"] } } },
    ),
  ).toEqual({
    kind: "unresolved",
    reason: "InvalidSpec",
    message: 'mcpServers "t": https://evil.org/mcp is not in security.mcpAllowlist of its ArkSettings',
  });
});

test("requireMCPAuth refuses a server without auth; a program of one machine has nobody to show one to", () => {
  const bearer = { secretKeyRef: { name: "wiki-token", key: "token" } };
  const asking = (server: object, requireMCPAuth: boolean) =>
    resolve(
      { systemPrompt: "x", mcpServers: [{ name: "t", ...server }], settingsRefs: [{ name: "s" }] },
      { s: { security: { requireMCPAuth } } },
      { allowStdio: true },
    );
  const url = "https://tools.example/mcp";
  expect(asking({ url }, true)).toMatchObject({
    reason: "InvalidSpec",
    message: expect.stringContaining("auth.bearer or auth.mtls"),
  });
  expect(asking({ url }, false).kind).toBe("resolved");
  expect(asking({ url, auth: { bearer } }, true).kind).toBe("resolved");
  expect(withCertificate(WHOLE, { requireMCPAuth: true }).kind).toBe("resolved");
  expect(asking({ url: "stdio:server" }, true).kind).toBe("resolved");
});

test("stdio servers run on one machine only", () => {
  const spec = { systemPrompt: "x", mcpServers: [{ name: "t", url: "stdio:server" }] };
  expect(resolve(spec)).toMatchObject({ reason: "InvalidSpec" });
  expect(resolve(spec, {}, { allowStdio: true }).kind).toBe("resolved");
});
