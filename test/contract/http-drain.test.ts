import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { serve } from "#platform/http/server.ts";

test("V3: a client that connected and asked nothing does not hold up the stop", async () => {
  const serving = await serve((_request, response) => void response.end(), { port: 0, host: "127.0.0.1" });
  const socket = connect(serving.port, "127.0.0.1");
  await once(socket, "connect");
  // The server has taken it once it answers another one.
  expect((await fetch(serving.url)).status).toBe(200);
  const gone = once(socket, "close");
  // Longer than this test may take: only the connection's own end can end it in time.
  await serving.stop(120_000);
  socket.resume();
  await gone;
});
