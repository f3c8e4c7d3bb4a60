/** Semantic readiness over real executor processes, as guests of NATS: one question for all of them (D26). */
import { expect, test } from "vitest";
import { lastUserText, type ChatRequest } from "../../local/model-server/script.ts";
import { startWorld, type World } from "../harness/world.ts";

const QUESTION = "Reply with exactly one word: HEALTHY";
const isProbe = (request: ChatRequest) => lastUserText(request) === QUESTION;

/** The questions of a world's executors, in the order in which the model got them. */
function probesOf({ model }: Pick<World, "model">): number {
  return model.requests().filter(({ body }) => JSON.stringify(body).includes(QUESTION)).length;
}

test("D26: an executor that dies while it asks is replaced, and the verdict outlives those who have it", async () => {
  let asked = 0;
  await using world = await startWorld({
    functions: ["collector", "executor"],
    guests: true,
    leaseSeconds: 5,
    probe: { intervalSeconds: 3_600, validatorPrompt: QUESTION },
    script: (request) => {
      if (!isProbe(request)) return { text: "a poem" };
      asked += 1;
      return asked === 1 ? { text: "HEALTHY", until: new Promise(() => {}) } : { text: "HEALTHY" };
    },
  });
  await expect.poll(() => asked, { timeout: 30_000 }).toBe(1);
  world.processes.executor.freeze();
  const others = await Promise.all([world.spawn("executor"), world.spawn("executor")]);
  await world.request("first-run-aaaaaa");
  await world.processes.executor.kill();
  expect((await world.ended("first-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(probesOf(world)).toBe(2);
  for (const other of others) await other.kill();
  await world.processes.executor.start();
  await world.request("second-run-aaaaaa");
  expect((await world.ended("second-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(probesOf(world)).toBe(2);
  for (const one of [world.processes.executor, ...others]) expect(one.output()).not.toContain("ermission");
});

test("D26: while the agent is not well no executor pulls; once it is, what waits is done", async () => {
  const order: string[] = [];
  let asked = 0;
  await using world = await startWorld({
    functions: ["collector", "executor"],
    guests: true,
    probe: { intervalSeconds: 5, validatorPrompt: QUESTION },
    script: (request) => {
      if (!isProbe(request)) {
        order.push("task");
        return { text: "a poem" };
      }
      asked += 1;
      order.push(asked < 3 ? "unwell" : "well");
      return { text: asked < 3 ? "UNHEALTHY" : "HEALTHY" };
    },
  });
  await expect.poll(() => asked, { timeout: 30_000 }).toBe(1);
  await world.spawn("executor");
  await world.request("waiting-run-aaaaaa");
  expect((await world.ended("waiting-run-aaaaaa")).phase.kind).toBe("succeeded");
  expect(order.slice(0, 4)).toEqual(["unwell", "unwell", "well", "task"]);
});
