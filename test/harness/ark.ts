/** Ark on one machine in one line: `await using ark = await startArk(yaml);` its own folder, gone at the end. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import type { ArkRun } from "#core/api/v1alpha1/ark-run.ts";
import type { Logger } from "#core/ports/log.ts";
import { type Local, startLocal } from "../../local/local.ts";
import { type ModelServer, startModelServer } from "../../local/model-server/server.ts";
import type { Script } from "../../local/model-server/script.ts";

export const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };

export const PROVIDER_KEY = "sk-test-0123456789";

export type Ark = AsyncDisposable & {
  readonly local: Local;
  readonly model: ModelServer;
  /** Folder of the manifests. */
  readonly project: string;
  readonly data: string;
  token(event: string): Promise<string>;
  fire(event: string, body: unknown, options?: FireOptions): Promise<Fired>;
  runs(): Promise<readonly ArkRun[]>;
  /** The runs, once there are `count` of them and all have ended. */
  ended(count: number): Promise<readonly ArkRun[]>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** A stop and a new start on the same folders. */
  restart(): Promise<void>;
};

export type FireOptions = {
  readonly query?: string;
  readonly key?: string;
  readonly traceparent?: string;
  readonly signal?: AbortSignal;
};
export type Fired = { readonly status: number; readonly body: Record<string, unknown> };

const POLL_MS = 25;
const PATIENCE_MS = 55_000;

export async function startArk(
  files: string | Readonly<Record<string, string>>,
  script?: Script,
  log: Logger = quiet,
  env: Readonly<Record<string, string>> = {},
  more: { readonly opensPorts?: boolean } = {},
): Promise<Ark> {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-local-"));
  const model = await startModelServer(script === undefined ? {} : { script });
  const project = path.join(folder, "project");
  await writeFiles(project, typeof files === "string" ? { "ark.yaml": files } : files);
  const data = path.join(folder, "data");
  const start = () =>
    startLocal({
      sources: [project],
      dataDir: data,
      port: 0,
      provider: "auto",
      env: { ...process.env, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: PROVIDER_KEY, ...env },
      log,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...more,
    });
  let local = await start();
  const ark: Ark = {
    get local() {
      return local;
    },
    model,
    project,
    data,
    token: (event) => tokenOf(local, event),
    fire: (event, body, options) => fire(local, event, body, options),
    runs: () => local.js.objects.list("ArkRun"),
    ended: (count) => waitForRuns(local, count),
    write: (more) => writeFiles(project, more),
    async restart() {
      await local.stop();
      local = await start();
    },
    async [Symbol.asyncDispose]() {
      await local.stop();
      await model.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return ark;
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

async function tokenOf({ url, token }: Local, event: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/namespaces/default/secrets/${event}-webhook-token`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { data } = (await response.json()) as { data: { token: string } };
  return Buffer.from(data.token, "base64").toString("utf8");
}

async function fire(local: Local, event: string, body: unknown, options: FireOptions = {}): Promise<Fired> {
  const response = await fetch(`${local.url}/triggers/default/${event}${options.query ?? ""}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await tokenOf(local, event)}`,
      "content-type": "application/json",
      ...(options.key !== undefined && { "idempotency-key": options.key }),
      ...(options.traceparent !== undefined && { traceparent: options.traceparent }),
    },
    body: JSON.stringify(body),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Polls: what is waited for is the very list that users see. */
export async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`not seen in time: ${what}`);
}

/** The run, once its status says that it has ended: a moment after its state does. */
export function endedRun(ark: Pick<Ark, "local">, name: string): Promise<ArkRun> {
  return until(async () => {
    const run = await ark.local.js.objects.get("ArkRun", { namespace: "default", name });
    return run?.status?.phase === "Succeeded" || run?.status?.phase === "Failed" ? run : undefined;
  }, `the end of run ${name}`);
}

/** Why it ended as it did. */
export function reasonOf(run: ArkRun | undefined): string | undefined {
  return run?.status?.conditions?.find(({ type }) => type === "Succeeded")?.reason;
}

/** Fires an event of one target, and gives its run once it has ended. */
export async function firedRun(ark: Ark, event: string, options?: FireOptions): Promise<ArkRun> {
  const { body } = await ark.fire(event, {}, options);
  return endedRun(ark, String(body["runs"]));
}

function waitForRuns(local: Local, count: number): Promise<readonly ArkRun[]> {
  return until(async () => {
    const runs = await local.js.objects.list("ArkRun");
    const ended = runs.filter((run) => run.status?.phase === "Succeeded" || run.status?.phase === "Failed");
    return ended.length >= count && ended.length === runs.length ? runs : undefined;
  }, `${count} ended runs`);
}
