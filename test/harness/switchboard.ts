/** Stands where Knative's activator does: passes each `POST /{pool}/wake` on to the pool's process, and counts. */
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { startHttp, type TestHttp } from "./http.ts";

export type Switchboard = TestHttp & {
  /** Pools of all wakes that came, in order. */
  wakes(): readonly string[];
  /** The most that were open of one pool at once. */
  most(pool: string): number;
  open(pool: string): number;
  /** Until then wakes are answered 503. */
  connect(to: Readonly<Record<string, () => string>>): void;
};

export async function startSwitchboard(): Promise<Switchboard> {
  const wakes: string[] = [];
  const open = new Map<string, number>();
  const most = new Map<string, number>();
  let targets: Readonly<Record<string, () => string>> = {};
  const server = await startHttp((asked, answer) => {
    const pool = (asked.url ?? "").slice(1, -"/wake".length);
    const to = targets[pool];
    if (to === undefined) return void answer.writeHead(503).end();
    wakes.push(pool);
    const now = (open.get(pool) ?? 0) + 1;
    open.set(pool, now);
    most.set(pool, Math.max(now, most.get(pool) ?? 0));
    answer.once("close", () => open.set(pool, (open.get(pool) ?? 1) - 1));
    pass(asked, answer, `${to()}/wake`);
  });
  return {
    ...server,
    wakes: () => wakes,
    most: (pool) => most.get(pool) ?? 0,
    open: (pool) => open.get(pool) ?? 0,
    connect: (to) => void (targets = to),
  };
}

function pass(asked: IncomingMessage, answer: ServerResponse, url: string): void {
  const onward = request(url, { method: asked.method ?? "POST", agent: false }, (response) => {
    answer.writeHead(response.statusCode ?? 502);
    response.on("error", () => answer.destroy());
    response.pipe(answer);
  });
  onward.on("error", () => answer.destroy());
  answer.once("close", () => onward.destroy());
  asked.pipe(onward);
}
