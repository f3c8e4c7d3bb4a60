/** Next steps for mistakes that people bring from other template languages. */

/** Beyond this nobody wants a hint, and the search for the start of the name must stay cheap. */
const LONGEST = 200;

/**
 * A name with a dash is read by `index`, never by a dot (api.md 12):
 * for `.steps.fact-check.output` the hint shows `{{ (index .steps "fact-check").output }}`.
 * `at` is the offset of the dash.
 */
export function dashHint(source: string, at: number): string | undefined {
  const before = /[\p{L}\p{Nd}_.$-]*$/u.exec(source.slice(Math.max(0, at - LONGEST), at))?.[0] ?? "";
  const after = /^[\p{L}\p{Nd}_.-]*/u.exec(source.slice(at, at + LONGEST))?.[0] ?? "";
  const [root = "", ...names] = (before + after).replace(/[.-]+$/, "").split(".");
  if (names.length === 0 || (root !== "" && !root.startsWith("$"))) return undefined;
  const expression = names.reduce(step, root);
  // Alone in its action the outermost index needs no parentheses.
  const whole = /^\([^()]*\)$/.test(expression) ? expression.slice(1, -1) : expression;
  return `a name with a dash is read by index: {{ ${whole} }}`;
}

function step(expression: string, name: string): string {
  if (!name.includes("-")) return `${expression}.${name}`;
  return `(index ${expression === "" ? "." : expression} "${name}")`;
}

const OTHER_WORDS: Readonly<Record<string, string>> = {
  endif: "write {{ end }}",
  elif: "write {{ else if … }}",
  elsif: "write {{ else if … }}",
  for: "write {{ range $i, $e := .list }}",
  add: "write {{ .n | plus 1 }}",
  sub: "write {{ .n | minus 1 }}",
  mul: "write {{ .n | times 2 }}",
  div: "write {{ .n | divided_by 2 }}",
  upper: "write {{ .name | upcase }}",
  lower: "write {{ .name | downcase }}",
  title: "write {{ .name | capitalize }}",
  trim: "write {{ .name | strip }}",
  include: "templates cannot include one another; use a prompt fragment",
};

const ROOTS: ReadonlySet<string> = new Set(["trigger", "input", "steps", "item", "index"]);

export function unknownFunctionHint(name: string): string | undefined {
  return ROOTS.has(name)
    ? `a field starts with a dot: .${name}`
    : Object.hasOwn(OTHER_WORDS, name)
      ? OTHER_WORDS[name]
      : undefined;
}
