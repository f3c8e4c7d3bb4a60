/** MCP servers and webhook tools of an agent, with their secrets put in and their addresses judged. */
import { isJsonObject, parseJson } from "#core/json.ts";
import { shownUrl } from "#core/api/shown-url.ts";
import type { McpServer, WebhookTool } from "#core/api/v1alpha1/ark-agent.ts";
import type { ArkSettingsSpec } from "#core/api/v1alpha1/ark-settings.ts";
import type { SecretKeyRef } from "#core/api/v1alpha1/common.ts";
import { TLS_KEYS } from "#core/api/tls-secret.ts";
import type { ClientTls, ResolvedMcpServer, ResolvedWebhookTool } from "./task.ts";
import { type Lookups, Unresolved } from "./unresolved.ts";

export function mcpServer(
  server: McpServer,
  settings: readonly ArkSettingsSpec[],
  lookups: Lookups,
): ResolvedMcpServer {
  checkUrl(server, settings, lookups);
  const headers = headersOf(`mcpServers "${server.name}"`, server.headers ?? [], lookups);
  const { bearer, mtls } = server.auth ?? {};
  if (bearer !== undefined)
    headers["authorization"] = `Bearer ${secretText(`mcpServers "${server.name}"`, bearer.secretKeyRef, lookups)}`;
  return {
    name: server.name,
    url: server.url,
    headers,
    ...(mtls !== undefined && { tls: clientTls(`mcpServers "${server.name}"`, mtls.secretRef.name, lookups) }),
    ...(server.instructions !== undefined && { instructions: server.instructions }),
    timeoutMs: server.timeoutSeconds * 1000,
  };
}

function checkUrl(server: McpServer, settings: readonly ArkSettingsSpec[], lookups: Lookups): void {
  const where = `mcpServers "${server.name}"`;
  if (server.url.startsWith("stdio:") && !lookups.allowStdio)
    throw new Unresolved("InvalidSpec", `${where}: stdio servers run on one machine only; use http or https`);
  for (const { security } of settings) if (security !== undefined) checkSecurity(where, server, security);
}

function checkSecurity(where: string, server: McpServer, security: NonNullable<ArkSettingsSpec["security"]>): void {
  const { mcpAllowlist: allowed, requireMCPAuth } = security;
  if (allowed !== undefined && !allowed.some((prefix) => isUnder(server.url, prefix))) {
    const what = `${shownUrl(server.url)} is not in security.mcpAllowlist of its ArkSettings`;
    throw new Unresolved("InvalidSpec", `${where}: ${what}`);
  }
  const local = server.url.startsWith("stdio:");
  if (requireMCPAuth && server.auth === undefined && !local)
    throw new Unresolved("InvalidSpec", `${where}: security.requireMCPAuth asks for auth.bearer or auth.mtls`);
}

/** As it is written, and as it is dialled: `https://tools.example/mine/../theirs` is a path of theirs. */
function isUnder(url: string, prefix: string): boolean {
  return hasUrlPrefix(url, prefix) && hasUrlPrefix(dialled(url), dialled(prefix));
}

function dialled(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address;
  url.username = "";
  url.password = "";
  return address.endsWith("/") ? url.href : url.href.replace(/\/$/, "");
}

/** `https://tools.example` must not allow `https://tools.example.evil.org`. */
function hasUrlPrefix(url: string, prefix: string): boolean {
  return (
    url === prefix || (url.startsWith(prefix) && (/[/:?]$/.test(prefix) || /^[/?:#]/.test(url.slice(prefix.length))))
  );
}

export function webhookTool(tool: WebhookTool, lookups: Lookups): ResolvedWebhookTool {
  return {
    name: tool.name,
    description: tool.description ?? "",
    url: tool.url,
    method: tool.method,
    inputSchema: schemaOf(tool),
    headers: headersOf(`tools "${tool.name}"`, tool.headers ?? [], lookups),
    timeoutMs: tool.timeoutSeconds * 1000,
  };
}

function schemaOf(tool: WebhookTool): Readonly<Record<string, unknown>> {
  const { inputSchema } = tool;
  if (inputSchema === undefined) return { type: "object" };
  if (typeof inputSchema !== "string") return inputSchema;
  const parsed = parseJson(inputSchema);
  if (isJsonObject(parsed)) return { ...parsed };
  throw new Unresolved("InvalidSpec", `tools "${tool.name}": inputSchema is not a JSON object`);
}

type Header = NonNullable<McpServer["headers"]>[number];

function headersOf(where: string, headers: readonly Header[], lookups: Lookups): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { name, value, secretKeyRef } of headers)
    texts[name.toLowerCase()] = secretKeyRef === undefined ? (value ?? "") : secretText(where, secretKeyRef, lookups);
  return texts;
}

function secretText(where: string, ref: SecretKeyRef, lookups: Lookups): string {
  const text = lookups.secretKey(ref.name, ref.key);
  if (text === undefined)
    throw new Unresolved("MissingCredentials", `${where}: Secret "${ref.name}" has no key "${ref.key}"`);
  return text.trim();
}

function clientTls(where: string, name: string, lookups: Lookups): ClientTls {
  const text = (key: string) => pemText(where, { name, key }, lookups);
  const ca = lookups.secretKey(name, TLS_KEYS.ca)?.trim() ?? "";
  return { cert: text(TLS_KEYS.cert), key: text(TLS_KEYS.key), ...(ca !== "" && { ca }) };
}

/** A Secret of this type may stand there empty until its certificate is issued. */
function pemText(where: string, ref: SecretKeyRef, lookups: Lookups): string {
  const text = secretText(where, ref, lookups);
  if (text.includes("-----BEGIN ")) return text;
  throw new Unresolved("MissingCredentials", `${where}: key "${ref.key}" of Secret "${ref.name}" holds no PEM`);
}
