/**
 * The real MCP reference server in one line: `await using mcp = await startMcp();` over streamable HTTP or SSE, on a
 * free port. `stdioUrl` starts it as a process of the client.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";

const entry = createRequire(import.meta.url)
  .resolve("@modelcontextprotocol/server-everything/package.json")
  .replace(/package\.json$/, "dist/index.js");

export const stdioUrl = `stdio:"${process.execPath}" "${entry}" stdio`;

export type TestMcp = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
};

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export async function startMcp(
  options: { readonly transport?: "streamableHttp" | "sse"; readonly port?: number } = {},
): Promise<TestMcp> {
  const transport = options.transport ?? "streamableHttp";
  for (let tries = 0; ; tries++) {
    const port = options.port ?? (await freePort());
    const child = spawn(process.execPath, [entry, transport], {
      env: { PATH: process.env["PATH"] ?? "", PORT: String(port) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (await listens(child)) {
      const path = transport === "sse" ? "/sse" : "/mcp";
      const kill = () => end(child);
      return { url: `http://127.0.0.1:${port}${path}`, port, kill, [Symbol.asyncDispose]: kill };
    }
    // Another process took the port between the look and the start.
    if (tries >= 5) throw new Error(`the MCP server did not start on port ${port}`);
  }
}

/** False when the process ended instead. */
function listens(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (/on port \d+/.test(said)) resolve(true);
    });
    child.once("exit", () => resolve(false));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
