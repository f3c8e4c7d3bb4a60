/**
 * The scripted model server as a pod of a cluster: port 8080 speaks the models' protocol, port 8081 tells what was asked
 * and lets held answers go: `GET /requests?match=<text>&count=<n>` answers once so many were, `GET /calls?key=<prefix>`
 * has all of those keys. The last user message says what the answer is: `say:<text>`, `hold:<name>` until
 * `POST /release/<name>`, otherwise an echo.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { lastUserText, type Answer, type ChatRequest } from "../../../local/model-server/script.ts";
import { startModelServer } from "../../../local/model-server/server.ts";

type Gate = { readonly opened: Promise<void>; readonly open: () => void };

const WAIT_MS = 170_000;

/** Called at every request. */
const waiting = new Set<() => void>();
const gates = new Map<string, Gate>();

function gate(name: string): Gate {
  const known = gates.get(name);
  if (known !== undefined) return known;
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const made = { opened, open };
  gates.set(name, made);
  return made;
}

function script(request: ChatRequest): Answer | undefined {
  for (const look of waiting) look();
  const text = lastUserText(request);
  const hold = /hold:([-a-z0-9]+)/.exec(text)?.[1];
  const said = /say:([^\n<]*)/.exec(text)?.[1]?.trim();
  const usage = { inputTokens: 10, outputTokens: 5 };
  if (hold !== undefined) return { text: said ?? `held ${hold}`, usage, until: gate(hold).opened };
  return said === undefined ? undefined : { text: said, usage };
}

const model = await startModelServer({ script, host: "0.0.0.0", port: 8080 });

function requestsWith(text: string) {
  const all = model.requests().map(({ key, digest, answered, body }) => ({ key, digest, answered, body }));
  return all.filter(({ body }) => JSON.stringify((body["messages"] as unknown[] | undefined)?.at(-1)).includes(text));
}

/** What can have been charged for calls whose key begins so. */
function callsOf(prefix: string) {
  const all = model.requests().map(({ key = "", answered, usage }) => ({ key, answered, usage }));
  return all.filter(({ key }) => key.startsWith(prefix));
}

async function untilAsked(text: string, count: number): Promise<void> {
  if (requestsWith(text).length >= count) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(late);
      waiting.delete(look);
      resolve();
    };
    const late = setTimeout(end, WAIT_MS);
    const look = (): void => {
      if (requestsWith(text).length >= count) end();
    };
    waiting.add(look);
  });
}

async function admin(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://model");
  const release = /^\/release\/([-a-z0-9]+)$/.exec(pathname)?.[1];
  if (request.method === "POST" && release !== undefined) {
    gate(release).open();
    response.writeHead(204).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  if (pathname === "/calls") {
    response.end(JSON.stringify(callsOf(searchParams.get("key") ?? "")));
    return;
  }
  const match = searchParams.get("match") ?? "";
  await untilAsked(match, Number(searchParams.get("count") ?? 0));
  response.end(JSON.stringify(requestsWith(match)));
}

const server = createServer((request, response) => {
  admin(request, response).catch(() => response.destroy());
});
server.requestTimeout = 10_000;
server.listen(8081, "0.0.0.0");
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void model.stop();
});
