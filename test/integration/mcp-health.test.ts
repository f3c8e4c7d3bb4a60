/** What executor processes, as guests of NATS, tell of an agent's MCP servers: as the operator reads it (D27). */
import { expect, test } from "vitest";
import { freePort, startMcp } from "../harness/mcp.ts";
import { AGENT, AGENT_UID, NAMESPACE, startWorld } from "../harness/world.ts";

test("D27: a pod tells which server was down and which was not, and it stands when the pod is gone", async () => {
  await using mcp = await startMcp();
  const gone = `http://127.0.0.1:${await freePort()}/mcp`;
  await using world = await startWorld({
    functions: ["collector", "executor"],
    guests: true,
    mcpServers: [
      { name: "gone", url: `${gone}?key=planted` },
      { name: "all", url: mcp.url },
    ],
    script: () => ({ text: "a poem" }),
  });
  await world.request("first-run-aaaaaa");
  expect((await world.ended("first-run-aaaaaa")).phase.kind).toBe("succeeded");
  const last = () => world.js.toolServers.last({ namespace: NAMESPACE, agent: AGENT, uid: AGENT_UID });
  const found = [
    { name: "gone", url: gone, healthy: false, message: expect.stringContaining("ECONNREFUSED") },
    { name: "all", url: mcp.url, healthy: true },
  ];
  await expect.poll(last, { timeout: 30_000 }).toMatchObject(found);
  await world.processes.executor.kill();
  expect(await last()).toMatchObject(found);
  expect(world.processes.executor.output()).not.toContain("ermission");
});
