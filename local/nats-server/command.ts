/** Runs another program to its end: with a limit on time and output, and never a rejection. */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import * as path from "node:path";

export type Env = Readonly<Record<string, string | undefined>>;

export type CommandOutcome = { kind: "done"; stdout: string; stderr: string } | { kind: "failed"; why: string };

export type CommandOptions = {
  env: Env;
  timeoutMs: number;
  signal: AbortSignal;
  cwd?: string;
  /** Each piece of text from stderr as it comes, for programs that take minutes. */
  onStderr?: (text: string) => void;
};

const MAX_OUTPUT = 64 * 1024;

/** The absolute path of the first executable called `name` on this PATH. */
export async function findOnPath(name: string, env: Env): Promise<string | undefined> {
  for (const folder of (env["PATH"] ?? "").split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Keeps the end of a stream of text: the last words of a program say why it failed. */
function tail(): { add: (chunk: Buffer | string) => void; text: () => string } {
  let kept = "";
  return {
    add: (chunk) => void (kept = (kept + chunk.toString()).slice(-MAX_OUTPUT)),
    text: () => kept,
  };
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ").slice(-600);
}

export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandOutcome> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env: { ...options.env },
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    const stdout = tail();
    const stderr = tail();
    child.stdout.on("data", stdout.add);
    child.stderr.on("data", stderr.add);
    if (options.onStderr !== undefined) child.stderr.setEncoding("utf8").on("data", options.onStderr);
    child.on("error", (error) => resolve({ kind: "failed", why: describe(error, signal, options.timeoutMs) }));
    child.on("close", (code, killed) => {
      if (code === 0) return resolve({ kind: "done", stdout: stdout.text(), stderr: stderr.text() });
      const words = lastLines(stderr.text() || stdout.text());
      resolve({ kind: "failed", why: `${path.basename(file)} ended with ${killed ?? code}: ${words}` });
    });
  });
}

function describe(error: Error, signal: AbortSignal, timeoutMs: number): string {
  if (!signal.aborted) return error.message;
  const reason: unknown = signal.reason;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return isTimeout ? `no answer within ${timeoutMs / 1000} s` : "interrupted";
}
