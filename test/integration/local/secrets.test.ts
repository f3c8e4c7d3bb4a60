/**
 * P7, D23: servers and models that repeat every secret they were given, and callers that put theirs where they do not
 * belong. Afterwards none stands in a log, a status, a fact, an event, a span, an answer or a file but the tokens' own.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import * as path from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { Logger } from "#core/ports/log.ts";
import { lastUserText, textOf, type ChatRequest } from "../../../local/model-server/script.ts";
import { type Ark, PROVIDER_KEY, startArk } from "../../harness/ark.ts";
import { startHttp, type TestHttp } from "../../harness/http.ts";
import { startOtlp } from "../../harness/otlp.ts";

const BEARER = "mcp-bearer-planted-1";
const HEADER = "tool-header-planted-2";
const OTHER = "never-used-planted-3";
const KINDS = ["arkevents", "arkteams", "arkagents", "arkruns", "arkservices", "arksettings"];

const yaml = (url: string) => `
apiVersion: v1
kind: Secret
metadata: { name: keys }
stringData: { bearer: "${BEARER}", header: "Bearer ${HEADER}", other: "${OTHER}" }
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata: { name: desk }
spec:
  failedRunsHistoryLimit: 100
  input: { case: none }
  roles: [{ name: write, arkAgent: writer }]
  pipeline: [{ role: write, inputs: { prompt: "{{ .input.case }}" } }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkAgent
metadata: { name: writer }
spec:
  model: gpt-4o-mini
  systemPrompt: You write.
  limits: { retries: 0 }
  mcpServers: [{ name: wiki, url: "${url}/mcp", auth: { bearer: { secretKeyRef: { name: keys, key: bearer } } } }]
  tools: [{ name: look, url: "${url}/look", headers: [{ name: authorization, secretKeyRef: { name: keys, key: header } }] }]
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata: { name: hook }
spec: { source: { type: webhook }, targets: [{ team: desk }] }
`;

test("P7, D23: no secret stands anywhere but where it was put", { timeout: 120_000 }, async () => {
  await using parrot = await startParrot();
  await using otlp = await startOtlp();
  const log = listening();
  await using ark = await startArk(yaml(parrot.url), answer, log.logger, {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
  });
  const token = await ark.token("hook");
  const secrets = [PROVIDER_KEY, BEARER, HEADER, OTHER, token, ark.local.token];
  const said: string[] = [];

  for (const name of ["tool", "answer", "refuse", "break"]) await ark.fire("hook", { case: name });
  const sse = await fetch(`${ark.local.url}/triggers/default/hook?mode=sse`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ case: "answer" }),
  });
  said.push(await sse.text());
  for (const wrong of [`hook?token=${token}`, "hook?mode=odd", "none"]) {
    const response = await fetch(`${ark.local.url}/triggers/default/${wrong}`, {
      method: "POST",
      headers: { authorization: `Bearer ${wrong.includes(token) ? "wrong" : token}` },
      body: "{ no json",
    });
    said.push(await response.text());
  }
  const runs = await ark.ended(5);
  expect(parrot.heard()).toEqual(expect.arrayContaining([`Bearer ${BEARER}`, `Bearer ${HEADER}`]));
  expect(runs.filter(({ status }) => status?.phase === "Failed")).toHaveLength(2);
  const told = JSON.stringify(runs);
  expect(told).toContain("no such key: [redacted]");
  expect(told).toContain("the tool said: you gave [redacted]");
  expect(told).toContain("your key is [redacted]");

  for (const kind of KINDS) said.push(await ask(ark, `/apis/arkonis.dev/v1alpha1/${kind}`));
  for (const { metadata } of runs) {
    said.push(await ask(ark, `/apis/arkonis.dev/v1alpha1/namespaces/default/arkruns/${metadata.name}/facts`));
  }
  const models = JSON.stringify(ark.model.requests().map(({ body }) => body));
  expect(showing(secrets, { answers: said.join("\n"), logs: log.text(), prompts: models })).toEqual([]);

  await ark.local.stop();
  expect(otlp.text()).toContain("the tool said: you gave [redacted]");
  expect(showing(secrets, { spans: otlp.text() })).toEqual([]);
  expect(showing(secrets, await filesOf(ark.data))).toEqual([`${token} in tokens.json`]);
  const { mode } = await stat(path.join(ark.data, "tokens.json"));
  expect(mode & 0o077).toBe(0);
});

function answer(request: ChatRequest) {
  const tool = request.messages.findLast(({ role }) => role === "tool");
  if (tool !== undefined) return { text: `the tool said: ${textOf(tool.content)}` };
  switch (lastUserText(request)) {
    case "tool":
      return { toolCalls: [{ name: "look", arguments: {} }] };
    case "refuse":
      return { status: 401, message: `no such key: ${PROVIDER_KEY}` };
    case "break":
      return { status: 500, message: `${PROVIDER_KEY} broke me` };
    default:
      return { text: `your key is ${PROVIDER_KEY}, I think` };
  }
}

/** Answers with what it was given, whether as a tool or as an MCP server that is broken. */
async function startParrot(): Promise<TestHttp & { heard(): readonly string[] }> {
  const heard: string[] = [];
  const server = await startHttp((request, response) => {
    const { authorization = "" } = request.headers;
    heard.push(authorization);
    request.resume();
    response.writeHead(request.url?.startsWith("/mcp") === true ? 500 : 200, { "content-type": "text/plain" });
    response.end(`you gave ${authorization}`);
  });
  return { ...server, heard: () => heard };
}

/** Keeps all that is logged, at every level, errors with all that hangs on them. */
function listening(): { readonly logger: Logger; text(): string } {
  const lines: string[] = [];
  const note = (...given: unknown[]) => void lines.push(inspect(given, { depth: 12, showHidden: true }));
  const logger: Logger = {
    debug: note,
    info: note,
    warn: note,
    error: note,
    child: (...given) => (note(given), logger),
  };
  return { logger, text: () => lines.join("\n") };
}

async function ask({ local }: Ark, at: string): Promise<string> {
  const response = await fetch(`${local.url}${at}`, { headers: { authorization: `Bearer ${local.token}` } });
  expect(response.status).toBe(200);
  return response.text();
}

async function filesOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Object.fromEntries(
    await Promise.all(
      files.map(async ({ parentPath, name }) => [name, await readFile(path.join(parentPath, name), "latin1")]),
    ),
  );
}

function showing(secrets: readonly string[], texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts).flatMap(([where, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${where}`),
  );
}
