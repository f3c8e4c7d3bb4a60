/** Ports that come and go, over real HTTP (D42). */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createPorts, type Ports, type PortsOptions } from "#platform/http/ports.ts";
import { freePort, freePorts } from "../harness/free-ports.ts";
import { quiet } from "../harness/ark.ts";

const HOST = "127.0.0.1";
const cleanups: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function start(options: Partial<PortsOptions<string>> = {}): Ports<string> {
  const ports = createPorts<string>({
    listener: (_asked, answer, owner) => void answer.end(owner),
    serve: { host: HOST },
    graceMs: 60_000,
    log: quiet,
    ...options,
  });
  cleanups.push(() => ports[Symbol.asyncDispose]());
  return ports;
}

/** Listens at a port of its own: nobody else has it. */
async function taken(): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const free = () => new Promise<void>((resolve) => server.close(() => resolve()));
  cleanups.push(async () => (server.listening ? free() : undefined));
  return { port: (server.address() as AddressInfo).port, free };
}

const ask = async (port: number) => (await fetch(`http://${HOST}:${port}/`)).text();
const refused = (port: number) => expect(ask(port)).rejects.toThrow("fetch failed");

test("Q1: what is wanted is open, what is wanted no more is closed", async () => {
  const [a = 0, b = 0] = await freePorts(2);
  const ports = start();
  await ports.use(new Map([[a, "first"]]));
  expect(await ask(a)).toBe("first");
  await ports.use(
    new Map([
      [a, "first"],
      [b, "second"],
    ]),
  );
  expect([await ask(a), await ask(b)]).toEqual(["first", "second"]);
  await ports.use(new Map([[b, "second"]]));
  await refused(a);
  expect(await ask(b)).toBe("second");
  expect([...ports.open()]).toEqual([[b, "second"]]);
});

test("Q1: a service that moves to another port answers there, and where it was no more", async () => {
  const [from = 0, to = 0] = await freePorts(2);
  const ports = start();
  // Said at once: the last word counts.
  const first = ports.use(new Map([[from, "moved"]]));
  await Promise.all([first, ports.use(new Map([[to, "moved"]]))]);
  expect(await ask(to)).toBe("moved");
  await refused(from);
});

test("Q2: a port that is taken is a fault of its own, and opens once it is free", async () => {
  const { port, free } = await taken();
  const other = await freePort();
  let tell = () => {};
  const opened = new Promise<void>((resolve) => (tell = resolve));
  const ports = start({ againMs: 20, onOpened: () => tell() });
  await ports.use(
    new Map([
      [port, "late"],
      [other, "well"],
    ]),
  );
  expect(ports.fault(port)).toContain("EADDRINUSE");
  expect(ports.fault(other)).toBeUndefined();
  expect(await ask(other)).toBe("well");
  await free();
  await opened;
  expect(ports.fault(port)).toBeUndefined();
  expect(await ask(port)).toBe("late");
});

test("Q2: a taken port that nobody wants any more is no fault", async () => {
  const { port } = await taken();
  const ports = start();
  await ports.use(new Map([[port, "never"]]));
  expect(ports.fault(port)).toBeDefined();
  await ports.use(new Map());
  expect(ports.fault(port)).toBeUndefined();
});

test("Q3: what is open when its port goes may end; nothing new is taken", async () => {
  const port = await freePort();
  const open: ServerResponse[] = [];
  const ports = start({
    listener: (_asked, answer) => {
      open.push(answer.writeHead(200));
      answer.flushHeaders();
    },
  });
  await ports.use(new Map([[port, "x"]]));
  const asked = await fetch(`http://${HOST}:${port}/`);
  await ports.use(new Map());
  await refused(port);
  open[0]?.end("to its end");
  expect(await asked.text()).toBe("to its end");
});

test("Q3: a port with another owner answers for the new one, also on a connection that is open", async () => {
  const port = await freePort();
  const ports = start();
  await ports.use(new Map([[port, "old"]]));
  expect(await ask(port)).toBe("old");
  await ports.use(new Map([[port, "new"]]));
  expect(await ask(port)).toBe("new");
});

test("after the stop nothing is open, and nothing opens", async () => {
  const port = await freePort();
  const ports = start();
  await ports.use(new Map([[port, "x"]]));
  await ports.stop(0);
  await ports.use(new Map([[port, "x"]]));
  await refused(port);
});
