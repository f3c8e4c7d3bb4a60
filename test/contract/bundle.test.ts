/** A bundle is what runs on a cluster: it must answer as the source does, without anything beside it. */
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { bundle } from "../../scripts/bundle.ts";
import { freePort } from "../harness/mcp.ts";
import { startNats } from "../harness/nats.ts";

test("the webhook's bundle runs alone, and answers as documented", { timeout: 60_000 }, async () => {
  await using nats = await startNats();
  await using js = await openJetStream({ url: nats.url, name: "test", signal: AbortSignal.timeout(30_000) });
  await js.provision();
  const folder = await mkdtemp(path.join(tmpdir(), "ark-bundle-"));
  const port = await freePort();
  let running: ChildProcess | undefined;
  try {
    const built = await bundle({ name: "webhook", file: path.resolve("functions/webhook/main.ts") }, folder);
    const alone = path.join(folder, "alone");
    await cp(built.dir, alone, { recursive: true });
    running = spawn(process.execPath, [path.join(alone, "main.js")], {
      cwd: alone,
      env: { ARK_NATS_URL: nats.url, PORT: String(port), HOST: "127.0.0.1", BROKER_URL: "http://127.0.0.1:9/" },
      stdio: "ignore",
    });
    const url = `http://127.0.0.1:${port}`;
    await expect
      .poll(
        () =>
          fetch(`${url}/readyz`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(200);
    const fired = await fetch(`${url}/triggers/default/hook`, {
      method: "POST",
      headers: { authorization: "Bearer nobody", "content-type": "application/json" },
      body: "{}",
    });
    expect(fired.status).toBe(401);
    expect(fired.headers.get("content-type")).toContain("application/problem+json");
    expect(await fired.json()).toMatchObject({ code: "unauthorized", status: 401 });
  } finally {
    running?.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
});
