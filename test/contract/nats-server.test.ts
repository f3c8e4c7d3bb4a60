import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { expectNoLeaks, natsBaseline } from "../harness/leaks.ts";
import { startNats } from "../harness/nats.ts";

test("one line gives a server with JetStream and message schedules, on a port of its own", async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  const manager = await jetstreamManager(connection);
  const stream = await manager.streams.add({ name: "S", subjects: ["s.>"], allow_msg_schedules: true });
  expect(stream.config.allow_msg_schedules).toBe(true);
  expect(nats.port).toBeGreaterThan(0);
});

test("what was acknowledged survives a hard restart on the same port", async () => {
  await using nats = await startNats();
  const connection = await nats.connect();
  await (await jetstreamManager(connection)).streams.add({ name: "S", subjects: ["s.>"] });
  const ack = await jetstream(connection).publish("s.a", "kept");
  await connection.close();
  const { pid, url } = nats;
  await nats.restart({ hard: true });
  expect(nats.pid).not.toBe(pid);
  expect(nats.url).toBe(url);
  const again = await jetstreamManager(await nats.connect());
  expect((await again.streams.getMessage("S", { seq: ack.seq }))?.string()).toBe("kept");
});

test("the leak check sees a connection, a subscription and a consumer that stay", async () => {
  await using nats = await startNats();
  const keeper = await nats.connect();
  const manager = await jetstreamManager(keeper);
  await manager.streams.add({ name: "S", subjects: ["s.>"] });
  const baseline = await natsBaseline(nats);
  const leaking = await nats.connect();
  leaking.subscribe("x");
  await leaking.flush();
  await manager.consumers.add("S", { durable_name: "left" });
  await expect(expectNoLeaks(nats, baseline, 0)).rejects.toThrow(/1 connections, \d+ subscriptions, consumer S\/left/);
  await leaking.close();
  await manager.consumers.delete("S", "left");
  await expectNoLeaks(nats, baseline);
});
