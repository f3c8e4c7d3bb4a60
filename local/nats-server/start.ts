/**
 * Starts one nats-server with JetStream on a data folder and stops it again.
 *
 * N1  The server listens on loopback unless told otherwise, on ports it says itself through its ports file.
 * N2  The promise resolves when the server accepts clients and JetStream has recovered its data.
 * N3  One server per data folder (see `ownership.ts`); a server left behind by a killed owner is ended first.
 * N4  The server has a process group of its own: Ctrl-C reaches Ark alone, which stops the server after its clients.
 *     When the owner is killed outright the server stays until the next start on the folder (N3), or until it logs a
 *     line to the closed pipe. What it had acknowledged is in its files either way.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { ArkError } from "#core/errors.ts";
import { NATS_SERVER } from "../versions.ts";
import { takeOwnership, type Ownership } from "./ownership.ts";
import { isAtLeast, readVersion } from "./version.ts";
import type { Env } from "./command.ts";

export type NatsAuth = { token: string } | { user: string; password: string };

export type ServerLog = {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

export type StartOptions = {
  binary: string;
  /** Everything the server keeps: data, configuration, owner file. Made when it is absent. */
  storeDir: string;
  env: Env;
  host?: string;
  /** -1, the default, takes a free port. */
  port?: number;
  auth?: NatsAuth;
  /** More of the server's configuration: accounts, for one. */
  settings?: object;
  maxPayloadBytes?: number;
  maxFileBytes?: number;
  maxMemoryBytes?: number;
  startTimeoutMs?: number;
  log?: ServerLog;
  /** Ends a start that is under way; a running server is ended by `stop`. */
  signal: AbortSignal;
};

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type RunningNats = AsyncDisposable & {
  /** Without credentials. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly monitorUrl: string;
  /** Resolves when the process is gone, wanted or not. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, and SIGKILL after five seconds. Repeatable. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
};

const Ports = z.object({ nats: z.tuple([z.string()], z.string()), monitoring: z.tuple([z.string()], z.string()) });
const GIGABYTE = 1024 ** 3;
const STOP_GRACE_MS = 5_000;

/** Throws ArkError: `nats.missing`, `nats.too_old`, `data.locked`, `port.in_use`, `timeout`, `interrupted`. */
export async function startNatsServer(options: StartOptions): Promise<RunningNats> {
  const version = await requireVersion(options);
  await mkdir(options.storeDir, { recursive: true, mode: 0o700 });
  const ownership = await takeOwnership(options.storeDir, options.signal);
  try {
    return await launch(options, version, ownership);
  } catch (error) {
    await ownership.release();
    throw error;
  }
}

async function requireVersion({ binary, env, signal }: StartOptions): Promise<string> {
  const hint = `Install nats-server ${NATS_SERVER.minimum} or later, or let Ark bring one.`;
  const outcome = await readVersion(binary, env, signal);
  if (outcome.kind === "unreadable") throw new ArkError("nats.missing", `${binary}: ${outcome.why}`, hint);
  if (isAtLeast(outcome.version, NATS_SERVER.minimum)) return outcome.version;
  const message = `${binary} is nats-server ${outcome.version}; message schedules need ${NATS_SERVER.minimum} or later`;
  throw new ArkError("nats.too_old", message, hint);
}

async function launch(options: StartOptions, version: string, ownership: Ownership): Promise<RunningNats> {
  const files = await writeConfig(options);
  const child = spawn(options.binary, ["-c", files.config], {
    env: { ...options.env },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const exited = exitOf(child);
  const lastWords = follow(child, options.log);
  const endWithProcess = () => child.kill("SIGTERM");
  process.once("exit", endWithProcess);
  const end = async (name: NodeJS.Signals) => {
    await endChild(child, exited, name);
    process.removeListener("exit", endWithProcess);
    await ownership.release();
  };
  try {
    const { pid } = child;
    if (pid === undefined) throw startFailure(options, await exited, lastWords());
    await ownership.recordServer(pid);
    const ports = await awaitPorts(path.join(files.ports, `${path.basename(options.binary)}_${pid}.ports`), {
      options,
      exited,
      lastWords,
    });
    return {
      url: ports.nats[0],
      port: Number(new URL(ports.nats[0]).port),
      pid,
      version,
      monitorUrl: ports.monitoring[0],
      exited,
      stop: () => end("SIGTERM"),
      kill: () => end("SIGKILL"),
      [Symbol.asyncDispose]: () => end("SIGTERM"),
    };
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
}

/** The server reads JSON as well as its own form. The file may hold a credential: for the owner's eyes only. */
async function writeConfig(options: StartOptions): Promise<{ config: string; ports: string }> {
  const config = path.join(options.storeDir, "nats-server.json");
  const ports = path.join(options.storeDir, "ports");
  await rm(ports, { recursive: true, force: true });
  await mkdir(ports, { recursive: true, mode: 0o700 });
  const settings = {
    listen: `${options.host ?? "127.0.0.1"}:${options.port ?? -1}`,
    http: "127.0.0.1:-1",
    ports_file_dir: ports,
    max_payload: options.maxPayloadBytes ?? 1024 * 1024,
    jetstream: {
      store_dir: options.storeDir,
      max_file_store: options.maxFileBytes ?? 10 * GIGABYTE,
      max_memory_store: options.maxMemoryBytes ?? GIGABYTE / 4,
    },
    ...(options.auth === undefined ? {} : { authorization: options.auth }),
    ...options.settings,
  };
  await writeFile(config, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
  return { config, ports };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}

/** After a kill the server reads its files again and warns of each: nothing that was acknowledged is missing. */
const RECOVERY = /^\[WRN\] Filestore .*(outdated|prior state)/;

/** Passes each line on and keeps the last ones, which say why a server died. */
function follow(child: ChildProcess, log: ServerLog | undefined): () => string {
  const kept: string[] = [];
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const text = line.replace(/^\[\d+\] \S+ \S+ /, "");
      kept.push(text.slice(0, 500));
      if (kept.length > 20) kept.shift();
      if (/^\[(WRN|ERR|FTL)\]/.test(text) && !RECOVERY.test(text)) log?.warn({ line: text }, "nats-server says");
      else log?.debug({ line: text }, "nats-server says");
    });
  }
  return () => {
    const faults = kept.filter((line) => /^\[(ERR|FTL)\]/.test(line));
    return (faults.length > 0 ? faults : kept.slice(-3)).join("; ");
  };
}

type Waiting = { options: StartOptions; exited: Promise<Exit>; lastWords: () => string };

/** The file is written when the server accepts clients; a half-written one is read again. */
async function awaitPorts(file: string, { options, exited, lastWords }: Waiting): Promise<z.infer<typeof Ports>> {
  let exit: Exit | undefined;
  void exited.then((value) => (exit = value));
  const timeoutMs = options.startTimeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (exit !== undefined) throw startFailure(options, exit, lastWords());
    if (options.signal.aborted) throw new ArkError("interrupted", "the start of nats-server was interrupted", "");
    const ports = await readPorts(file);
    if (ports !== undefined) return ports;
    if (performance.now() > deadline) {
      const message = `nats-server was not ready within ${timeoutMs / 1000} s: ${lastWords()}`;
      throw new ArkError("timeout", message, "Look at what the server says, or give it more time.");
    }
    await delay(5);
  }
}

async function readPorts(file: string): Promise<z.infer<typeof Ports> | undefined> {
  try {
    return Ports.safeParse(JSON.parse(await readFile(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

function startFailure(options: StartOptions, exit: Exit, words: string): ArkError {
  const message = `nats-server ended at its start (${exit.signal ?? `exit code ${exit.code}`}): ${words}`;
  return /address already in use/.test(words)
    ? new ArkError("port.in_use", message, `Free port ${options.port}, or choose another.`)
    : new ArkError("nats.missing", message, `Run ${options.binary} by hand to see what it lacks.`);
}

async function endChild(child: ChildProcess, exited: Promise<Exit>, name: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(name);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
  await exited;
  clearTimeout(timer);
}
