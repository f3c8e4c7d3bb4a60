/**
 * How a template goes wrong, at compile time and while it renders.
 *
 * Inside this folder a fault travels as `Failure`, because the parser and liquidjs both unwind by exceptions;
 * `compileTemplate` and `render` turn every one of them into an outcome, so none leaves the folder.
 */
export type TemplateFault = { line: number; column: number; message: string; hint?: string };

/** Offset of a failure that does not know its place yet; the nearest command fills it in. */
const NOWHERE = -1;

export class Failure extends Error {
  override readonly name = "Failure";
  /** Offset into the source, in UTF-16 units. */
  at: number;
  readonly hint: string | undefined;

  constructor(message: string, at: number = NOWHERE, hint?: string) {
    super(message);
    this.at = at;
    this.hint = hint;
  }

  /** Keeps the innermost place: the first one that is set wins. */
  placedAt(at: number): this {
    if (this.at === NOWHERE) this.at = at;
    return this;
  }
}

/** Line and column count from 1; a column is one Unicode character. */
export function faultAt(source: string, failure: Failure): TemplateFault {
  const before = source.slice(0, Math.max(failure.at, 0));
  const lineStart = before.lastIndexOf("\n") + 1;
  const fault: TemplateFault = {
    line: before.split("\n").length,
    column: Array.from(before.slice(lineStart)).length + 1,
    message: failure.message,
  };
  if (failure.hint !== undefined) fault.hint = failure.hint;
  return fault;
}
