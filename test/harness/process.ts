/**
 * One of our programs as a process of its own: started from its entry file, waited for until it listens, killed as a
 * crash would, started again.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type ProcessOptions = {
  /** From the root of the repository. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly startTimeoutMs?: number;
};

export type TestProcess = AsyncDisposable & {
  readonly pid: number;
  readonly url: string;
  /** Everything it wrote since the first start, for the message of a failed test. */
  output(): string;
  /** Freezes it as a stalled node would, and lets it go on. */
  freeze(): void;
  thaw(): void;
  /** As a crash: no signal handler runs. Resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code once it is gone. */
  stop(): Promise<number | null>;
  /** After a kill or a stop; resolves once it listens, on the same port. */
  start(): Promise<void>;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KEPT_CHARS = 64 * 1024;

type Running = { readonly child: ChildProcess; readonly gone: Promise<number | null>; readonly port: number };

export async function startProcess(options: ProcessOptions): Promise<TestProcess> {
  let output = "";
  const keep = (text: string): void => {
    output = (output + text).slice(-KEPT_CHARS);
  };
  let running = await launch(options, keep, () => output);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    running.child.kill(signal);
    return running.gone;
  };
  return {
    get pid() {
      return running.child.pid ?? 0;
    },
    get url() {
      return `http://127.0.0.1:${running.port}`;
    },
    output: () => output,
    freeze: () => void running.child.kill("SIGSTOP"),
    thaw: () => void running.child.kill("SIGCONT"),
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    start: async () => {
      const { port } = running;
      running = await launch({ ...options, env: { ...options.env, PORT: String(port) } }, keep, () => output);
    },
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

async function launch(
  { entry, env, startTimeoutMs = 30_000 }: ProcessOptions,
  keep: (text: string) => void,
  output: () => string,
): Promise<Running> {
  const child = spawn(process.execPath, [entry], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", HOST: "127.0.0.1", PORT: "0", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test run that is ended early leaves nobody behind.
  const killWithParent = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithParent);
  const gone = new Promise<number | null>((resolve) => {
    child.once("close", (code) => {
      process.off("exit", killWithParent);
      resolve(code);
    });
  });
  child.stderr.setEncoding("utf8").on("data", keep);
  const listening = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      keep(`${line}\n`);
      const port = portOf(line);
      if (port !== undefined) resolve(port);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, startTimeoutMs, "late");
  });
  const first = await Promise.race([listening, gone.then(() => "gone" as const), late]);
  clearTimeout(timer);
  if (typeof first === "number") return { child, gone, port: first };
  child.kill("SIGKILL");
  throw new Error(`${entry} did not come up (${first}):\n${output()}`);
}

function portOf(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined;
  const { port } = JSON.parse(line) as { port?: number };
  return port;
}
