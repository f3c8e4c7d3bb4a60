/** Errors that wrap errors: fetch says only "fetch failed", and its innermost cause says why. */

/** The error, then what caused it, outermost first; nothing for what is no error. */
export function causes(error: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let one = error; one instanceof Error; one = causeOf(one)) found.push(one);
  return found;
}

/** A host of several addresses fails at each of them, in one error without a word of its own. */
function causeOf(error: Error): unknown {
  return error.cause ?? (error instanceof AggregateError ? error.errors[0] : undefined);
}

/** For people: the words of the innermost one. */
export function innermostReason(error: unknown): string {
  const last = causes(error).at(-1);
  if (last === undefined) return String(error);
  return last.message === "" ? last.name : last.message;
}
