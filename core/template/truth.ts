/**
 * Conditions (`if`, `loop.condition`) are templates whose rendered text says yes or no.
 * Source: api.md 12, "False in `if`, `loop.condition`".
 */
const FALSE_TEXTS: ReadonlySet<string> = new Set(["", "false", "0", "no", "null", "[]", "{}"]);

/** False for the texts above in any case, trimmed; true for everything else. */
export function isTruthyText(rendered: string): boolean {
  return !FALSE_TEXTS.has(rendered.trim().toLowerCase());
}
