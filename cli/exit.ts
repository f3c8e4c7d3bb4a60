/** The command line's edge: every way a command can end, as an exit code and two lines for people (api 14). */
import { ArkError, type ErrorCode } from "#core/errors.ts";
import { printable, type Style } from "./render/style.ts";

export const EXIT = { done: 0, runFailed: 1, usage: 2, server: 3, timeout: 124, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF: Readonly<Record<ErrorCode, ExitCode>> = {
  usage: EXIT.usage,
  "input.invalid": EXIT.usage,
  "manifest.invalid": EXIT.usage,
  "manifest.not_found": EXIT.usage,
  "run.failed": EXIT.runFailed,
  "run.not_found": EXIT.usage,
  "object.not_found": EXIT.usage,
  "object.conflict": EXIT.server,
  "server.unreachable": EXIT.server,
  "server.refused": EXIT.server,
  "kubectl.missing": EXIT.server,
  "nats.missing": EXIT.server,
  "nats.too_old": EXIT.server,
  "nats.unreachable": EXIT.server,
  "data.locked": EXIT.server,
  "port.in_use": EXIT.server,
  "file.refused": EXIT.server,
  timeout: EXIT.timeout,
  interrupted: EXIT.interrupted,
  internal: EXIT.server,
};

export function exitCodeOf(error: ArkError): ExitCode {
  return EXIT_OF[error.code];
}

/** What the system says of a file or folder through no fault of ours. */
const REFUSALS = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOSPC",
  "EDQUOT",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
]);

/** Any thrown value as an ArkError: what is not one already is a bug of ours, and says so without a stack. */
export function asArkError(thrown: unknown): ArkError {
  if (thrown instanceof ArkError) return thrown;
  return fileRefusal(thrown) ?? bug(thrown);
}

function fileRefusal(thrown: unknown): ArkError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code = "", syscall } = thrown as NodeJS.ErrnoException;
  if (syscall === undefined || !REFUSALS.has(code)) return undefined;
  const hint = "Give Ark the right to use it, room, or another place: `ark up` takes --data.";
  return new ArkError("file.refused", thrown.message, hint, { cause: thrown });
}

function bug(thrown: unknown): ArkError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ArkError("internal", message, "This is a bug in ark: please report it with the command you ran.", {
    cause: thrown,
  });
}

/** `error: <code>: <sentence>`, then the next step. Never a stack. */
export function errorText(error: ArkError, style: Style): string {
  const lines = printable(error.message).split("\n");
  const [first = "", ...rest] = lines;
  const head = `${style.red("error:")} ${error.code}: ${first}`;
  return `${[head, ...rest.map((line) => `  ${line}`), `next: ${error.hint}`].join("\n")}\n`;
}
