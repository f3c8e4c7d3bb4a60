/**
 * The one error class of the outermost edges: command line, HTTP answer, condition.
 * Inside, expected failures travel as outcomes; see `outcome.ts`.
 */

/** Stable codes that users may match on. `docs/errors.md` has a line for each. */
export type ErrorCode =
  | "usage"
  | "input.invalid"
  | "manifest.invalid"
  | "manifest.not_found"
  | "run.failed"
  | "run.not_found"
  | "object.not_found"
  | "object.conflict"
  | "server.unreachable"
  | "server.refused"
  | "kubectl.missing"
  | "nats.missing"
  | "nats.too_old"
  | "nats.unreachable"
  | "data.locked"
  | "port.in_use"
  | "file.refused"
  | "timeout"
  | "interrupted"
  | "internal";

export class ArkError extends Error {
  override readonly name = "ArkError";
  readonly code: ErrorCode;
  /** What the user does next, one sentence. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
