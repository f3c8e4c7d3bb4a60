/** The operator behind its Service: what it is ready for while others are away. */
import { expect, test, vi } from "vitest";
import { startHttp } from "../../harness/http.ts";
import { startProcess, type TestProcess } from "../../harness/process.ts";
import { type OperatorWorld, POLL, startOperatorWorld, SYSTEM } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

function startReplica(world: OperatorWorld, webhookUrl: string, name: string): Promise<TestProcess> {
  return startProcess({
    entry: "operator/main.ts",
    env: {
      KUBECONFIG: world.api.kubeconfig,
      ARK_NATS_URL: world.nats.url,
      ARK_WEBHOOK_URL: webhookUrl,
      ARK_EXECUTOR_IMAGE: "example.org/executor:1",
      ARK_FRONT_PORT: "0",
      HOST: "127.0.0.1",
      POD_NAME: name,
    },
  });
}

const ready = async ({ url }: TestProcess) => (await fetch(`${url}/readyz`)).status;

function frontOf(operator: TestProcess): string {
  return `http://127.0.0.1:${/"front":(\d+)/.exec(operator.output())?.[1] ?? ""}`;
}

async function leaderIn({ api }: OperatorWorld): Promise<string> {
  const { body } = await api.request("GET", `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/ark-operator`);
  return (body["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
}

test("M1, P8: while NATS is away it stays ready, and its front door refuses with Retry-After", async () => {
  await using world = await startOperatorWorld();
  // Nobody listens there: the function's own pods may be gone too.
  await using operator = await startReplica(world, "http://127.0.0.1:1", "alone");
  await expect.poll(() => ready(operator), POLL).toBe(200);
  await world.nats.stop();
  // The leader's own word for it.
  await expect.poll(() => operator.output(), POLL).toContain("queues cannot be read");
  expect(await ready(operator)).toBe(200);
  for (const path of ["/triggers/default/hook", "/services/default/writing"]) {
    const answer = await fetch(`${frontOf(operator)}${path}`, { method: "POST" });
    expect({ path, status: answer.status }).toEqual({ path, status: 503 });
    expect(answer.headers.get("retry-after")).toBe("5");
  }
});

test("D36: every replica passes requests on, and goes on doing so while the one that leads is another", async () => {
  await using world = await startOperatorWorld();
  await using webhook = await startHttp((request, response) => {
    request.resume();
    response.writeHead(202).end();
  });
  const names = ["first", "second"] as const;
  await using one = await startReplica(world, webhook.url, names[0]);
  await using other = await startReplica(world, webhook.url, names[1]);
  for (const operator of [one, other]) await expect.poll(() => ready(operator), POLL).toBe(200);
  await expect.poll(() => leaderIn(world), POLL).not.toBe("");
  const [leader, follower, next] =
    (await leaderIn(world)) === names[0] ? [one, other, names[1]] : [other, one, names[0]];
  const fire = async (operator: TestProcess) =>
    (await fetch(`${frontOf(operator)}/triggers/default/hook`, { method: "POST", body: "{}" })).status;
  expect([await fire(leader), await fire(follower)]).toEqual([202, 202]);

  const stopped = leader.stop();
  const seen = new Set<number>();
  const passes = async () => {
    seen.add(await fire(follower)).add(await ready(follower));
    return leaderIn(world);
  };
  await expect.poll(passes, POLL).toBe(next);
  expect([await fire(follower), await ready(follower), await stopped]).toEqual([202, 200, 0]);
  expect(seen).toEqual(new Set([202, 200]));
});
