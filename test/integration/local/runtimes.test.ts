import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { ResolvedAgent } from "#core/agent/task.ts";
import { Runtimes } from "../../../local/runtimes.ts";
import { quiet } from "../../harness/ark.ts";
import { isRunning } from "../../harness/is-running.ts";
import { stdioUrl } from "../../harness/mcp.ts";

test("B1: the MCP server of an agent that is gone ends, though no task comes any more", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-runtimes-"));
  const file = path.join(folder, "pid");
  const url = `stdio:sh -c 'echo $$ > ${file}; exec ${stdioUrl.slice("stdio:".length)}'`;
  const provider = { baseUrl: "http://127.0.0.1:1" };
  const mcpServers = [{ name: "everything", url, headers: {}, timeoutMs: 30_000 }];
  const agent = { namespace: "default", name: "poet", provider, mcpServers, tools: [], secrets: [] };
  const toolServers = { last: () => Promise.resolve([]), tell: () => Promise.resolve() };
  const runtimes = new Runtimes(() => ({ kind: "provider", provider }), { toolServers, now: Date.now, log: quiet }, 1);
  try {
    const { tools } = await runtimes.of(agent as unknown as ResolvedAgent);
    expect(await tools.list(AbortSignal.timeout(30_000))).not.toEqual([]);
    const pid = Number(await readFile(file, "utf8"));
    runtimes.use(new Map([["default/poet", {}]]));
    expect((await runtimes.of(agent as unknown as ResolvedAgent)).tools).toBe(tools);
    runtimes.use(new Map());
    await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false);
  } finally {
    await runtimes.close();
    await rm(folder, { recursive: true });
  }
});
