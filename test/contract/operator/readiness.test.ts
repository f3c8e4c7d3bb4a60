/** The operator behind its Service: what it is ready for while others are away. */
import { expect, test, vi } from "vitest";
import { startProcess } from "../../harness/process.ts";
import { startOperatorWorld } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

const POLL = { timeout: 60_000, interval: 50 };

test("M1, P8: while NATS is away it stays ready, and its front door refuses with Retry-After", async () => {
  await using world = await startOperatorWorld();
  await using operator = await startProcess({
    entry: "operator/main.ts",
    env: {
      KUBECONFIG: world.api.kubeconfig,
      ARK_NATS_URL: world.nats.url,
      // Nobody listens there: the function's own pods may be gone too.
      ARK_WEBHOOK_URL: "http://127.0.0.1:1",
      ARK_EXECUTOR_IMAGE: "example.org/executor:1",
      ARK_FRONT_PORT: "0",
      HOST: "127.0.0.1",
    },
  });
  const ready = async () => (await fetch(`${operator.url}/readyz`)).status;
  await expect.poll(ready, POLL).toBe(200);
  await world.nats.stop();
  // The leader's own word for it.
  await expect.poll(() => operator.output(), POLL).toContain("queues cannot be read");
  expect(await ready()).toBe(200);
  const front = /"front":(\d+)/.exec(operator.output())?.[1] ?? "";
  for (const path of ["/triggers/default/hook", "/services/default/writing"]) {
    const answer = await fetch(`http://127.0.0.1:${front}${path}`, { method: "POST" });
    expect({ path, status: answer.status }).toEqual({ path, status: 503 });
    expect(answer.headers.get("retry-after")).toBe("5");
  }
});
