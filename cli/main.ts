/** The `ark` command: what the process has, handed to the program; nothing else is decided here. */
import { ArkError } from "#core/errors.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { runCli } from "./program.ts";
import { COLOR, PLAIN } from "./render/style.ts";

const DEFAULT_COLUMNS = 100;
/** A second Ctrl-C does not wait for a clean end. */
const stop = new AbortController();

function onSignal(name: NodeJS.Signals): void {
  // By `exit`, not by the signal's default action: a nats-server of this process ends with it.
  if (stop.signal.aborted) process.exit(EXIT.interrupted);
  stop.abort(new ArkError("interrupted", `stopped by ${name}`, "Runs that were started go on; see `ark status`."));
}

let isUnread = false;

/** A reader that went away (`ark logs | head`) is no error: what is left to print has nobody to read it. */
function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  isUnread = true;
  stop.abort(new ArkError("interrupted", "the reader of the output went away", "Nothing to do."));
}

function wantsColor(argv: readonly string[], { isTTY }: { readonly isTTY: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (argv.includes("--no-color") || (NO_COLOR !== undefined && NO_COLOR !== "")) return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "" && FORCE_COLOR !== "0") return true;
  return isTTY && TERM !== "dumb";
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

const argv = process.argv.slice(2);
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void (isUnread || process.stderr.write(text)),
  style: wantsColor(argv, process.stderr) ? COLOR : PLAIN,
  outStyle: wantsColor(argv, process.stdout) ? COLOR : PLAIN,
  live: process.stderr.isTTY && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined,
  outIsTerminal: process.stdout.isTTY,
  columns: () => (process.stderr.isTTY ? process.stderr.columns : DEFAULT_COLUMNS),
  rows: () => (process.stderr.isTTY ? process.stderr.rows : Number.POSITIVE_INFINITY),
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  readStdin,
  signal: stop.signal,
};

process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);
process.stdout.on("error", onPipeError);
process.stderr.on("error", onPipeError);

const code = await runCli(argv, io, {
  connect: async (options) => (await import("./connect.ts")).connect(options, io),
  running: async () => (await import("./connect.ts")).running({}, io),
  startLocal: async (options) => (await import("../local/local.ts")).startLocal(options),
});
process.exitCode = code === EXIT.interrupted && isUnread ? EXIT.done : code;
