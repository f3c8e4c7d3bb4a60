/** What a run costs does not depend on how many there were: nats-server itself counts (D10, E21). */
import { expect, test } from "vitest";
import * as z from "zod";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { natsBaseline } from "../harness/leaks.ts";
import { declareWebhook } from "../harness/webhook-event.ts";
import { AGENT, NAMESPACE, startWorld, type World } from "../harness/world.ts";

const FUNCTIONS = ["webhook", "dispatcher", "collector", "executor"] as const;
const EVENT = "feed";
const TOKEN = "a-token-of-the-test";
const MEASURED = 20;
const BETWEEN = 160;
const AT_ONCE = 10;
/** What goes by time (heartbeats, pings, pulls that end) and what is pulled in larger or smaller pages. */
const NOISE = 1.5;

const Line = z.object({
  name: z.string().default(""),
  out_msgs: z.number(),
  out_bytes: z.number(),
  in_msgs: z.number(),
  in_bytes: z.number(),
});
type Cost = Omit<z.infer<typeof Line>, "name">;

test("D10: after 200 runs each process has the connections and readers it had after one, and the next runs cost what the first did", async () => {
  await using world = await startWorld({
    functions: FUNCTIONS,
    script: () => ({ text: "a poem" }),
    env: { ARK_RATE_PER_EVENT: "10000" },
  });
  await declare(world);
  await runs(world, "first", 1);
  const before = await quiet(world);
  const cheap = await costOf(world, () => runs(world, "early", MEASURED));
  await runs(world, "between", BETWEEN);
  const dear = await costOf(world, () => runs(world, "late", MEASURED));
  expect(await quiet(world)).toEqual(before);

  for (const name of FUNCTIONS) {
    const [first, last] = [cheap.get(`ark-${lineOf(name)}`), dear.get(`ark-${lineOf(name)}`)];
    if (first === undefined || last === undefined) throw new Error(`no connection of ${name}`);
    for (const count of ["out_msgs", "out_bytes", "in_msgs", "in_bytes"] as const)
      expect(last[count], `${name}: ${count}, after ${first[count]}`).toBeLessThan(first[count] * NOISE);
  }
}, 120_000);

function lineOf(name: (typeof FUNCTIONS)[number]): string {
  return name === "executor" ? `executor-${AGENT}` : name;
}

/** What nats-server has exchanged with each named connection. */
async function lines({ nats }: World): Promise<ReadonlyMap<string, Cost>> {
  const { connections } = await nats.monitor.connz();
  return new Map(connections.map((one) => Line.parse(one)).map(({ name, ...cost }) => [name, cost]));
}

async function costOf(world: World, work: () => Promise<void>): Promise<ReadonlyMap<string, Cost>> {
  const before = await lines(world);
  await work();
  const after = await lines(world);
  return new Map([...after].map(([name, cost]) => [name, minus(cost, before.get(name))]));
}

function minus(a: Cost, b: Cost = { out_msgs: 0, out_bytes: 0, in_msgs: 0, in_bytes: 0 }): Cost {
  return {
    out_msgs: a.out_msgs - b.out_msgs,
    out_bytes: a.out_bytes - b.out_bytes,
    in_msgs: a.in_msgs - b.in_msgs,
    in_bytes: a.in_bytes - b.in_bytes,
  };
}

/** Connections by name, and all consumers, once the watches of what has ended are gone. */
async function quiet({ nats }: World): Promise<{ connections: readonly string[]; consumers: readonly string[] }> {
  const watches = async () => (await natsBaseline(nats)).consumers.filter((name) => !DURABLE.test(name));
  await expect.poll(watches, { timeout: 20_000 }).toEqual([]);
  const { connections } = await nats.monitor.connz();
  return {
    connections: connections.map(({ name }) => name).toSorted(),
    consumers: (await natsBaseline(nats)).consumers,
  };
}

const DURABLE = /\/(collector|relay|default_writer)$/;

async function declare({ js }: World): Promise<void> {
  const target = { agent: AGENT, prompt: "Note {{ .trigger.body.topic }}" };
  await js.objects.create("ArkAgent", {
    apiVersion: API_VERSION,
    kind: "ArkAgent",
    metadata: { name: AGENT, namespace: NAMESPACE },
    spec: { replicas: 1, networkPolicy: "default", model: "mock", systemPrompt: "You write." },
  });
  await declareWebhook(js, { namespace: NAMESPACE, name: EVENT, token: TOKEN, targets: [target] });
}

/** From the webhook to the end of each, some at a time. */
async function runs(world: World, name: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => `${name}-${from + index}`);
    const started = await Promise.all(some.map((key) => fire(world, key)));
    for (const run of started.flat()) expect((await world.ended(run)).phase.kind).toBe("succeeded");
  }
}

async function fire({ processes }: Pick<World<"webhook">, "processes">, key: string): Promise<readonly string[]> {
  const response = await fetch(`${processes.webhook.url}/triggers/${NAMESPACE}/${EVENT}`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "idempotency-key": key, "content-type": "application/json" },
    body: JSON.stringify({ topic: key }),
    signal: AbortSignal.timeout(20_000),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { readonly runs: readonly string[] }).runs;
}
