/**
 * A server process for tests.
 *
 * C1  It never outlives this process, however this process ends: a watcher in its group reads a pipe that only this
 *     process holds open, and kills the server when the pipe ends.
 * C2  It has a group of its own, which is killed as a whole; the server is gone when `kill` resolves.
 */
import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type Child = {
  readonly pid: number;
  /** Set once the process is gone, wanted or not. */
  readonly exit: Exit | undefined;
  /** SIGKILL to the group, as a crash would. Repeatable. */
  kill(): Promise<void>;
  /** The end of what it wrote. */
  lastWords(): Promise<string>;
};

export type ChildOptions = { cwd: string; env: NodeJS.ProcessEnv; logFile: string };

/** `exec` keeps the pid; a background list would get /dev/null as its input, hence descriptor 3 (C1). */
const WATCHED = 'exec 3<&0; (read -r _ <&3; kill -KILL $$) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null';

export async function startChild(file: string, args: readonly string[], options: ChildOptions): Promise<Child> {
  const log = await open(options.logFile, "a");
  try {
    const child = spawn("sh", ["-c", WATCHED, "sh", file, ...args], {
      cwd: options.cwd,
      env: options.env,
      stdio: ["pipe", log.fd, log.fd],
      detached: true,
    });
    const { pid } = child;
    let exit: Exit | undefined;
    const exited = new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        exit = { code, signal };
        if (pid !== undefined) killGroup(pid);
        child.stdin?.destroy();
        resolve();
      });
    });
    if (pid === undefined) throw (await exited.catch((error: unknown) => error)) as Error;
    return {
      pid,
      get exit() {
        return exit;
      },
      kill: () => {
        if (exit === undefined) killGroup(pid);
        return exited;
      },
      lastWords: async () => (await readFile(options.logFile, "utf8")).slice(-4_000),
    };
  } finally {
    await log.close();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
