import { expect, test } from "vitest";
import { compileTemplate } from "./compile.ts";

function paths(source: string): string[] {
  const outcome = compileTemplate(source);
  if (outcome.kind === "refused") throw new Error(outcome.fault.message);
  return outcome.template.paths.map((path) => path.join("/")).toSorted();
}

test.each([
  ["text", "no action {% x %}", []],
  ["a field", "{{ .steps.research.output }}", ["steps/research/output"]],
  ["literal index", '{{ (index .steps "fact-check").output }}', ["steps/fact-check/output"]],
  ["several keys", '{{ index .steps "a" "data" "k" }}', ["steps/a/data/k"]],
  ["piped container's key", '{{ "a" | index .steps }}', ["steps"]],
  ["a key from data", "{{ (index .steps .input.which).output }}", ["input/which", "steps"]],
  ["conditions", "{{ if and .input.a (eq .steps.a.status `x`) }}{{ end }}", ["input/a", "steps/a/status"]],
  ["else", "{{ if .a }}{{ .b }}{{ else if .c }}{{ .d }}{{ else }}{{ .e }}{{ end }}", ["a", "b", "c", "d", "e"]],
  ["with", "{{ with .steps.a }}{{ .output }}{{ else }}{{ .input.x }}{{ end }}", ["input/x", "steps/a/output"]],
  ["with alone", "{{ with .steps.a }}yes{{ end }}", ["steps/a"]],
  ["root inside with", "{{ with .steps.a }}{{ $.input.x }}{{ end }}", ["input/x", "steps/a"]],
  ["a variable", "{{ $x := .steps.a }}{{ $x.output }}{{ $x.status }}", ["steps/a/output", "steps/a/status"]],
  ["an unread variable", "{{ $x := .steps.a }}", ["steps/a"]],
  [
    "assignment",
    "{{ $x := .steps.a }}{{ if .c }}{{ $x = .steps.b }}{{ end }}{{ $x.output }}",
    ["c", "steps/a/output", "steps/b/output"],
  ],
  ["assignment in a loop", "{{ $x := .a }}{{ range .l }}{{ $x.y }}{{ $x = .b }}{{ end }}", ["a/y", "l"]],
  ["range", "{{ range .steps.a.data.items }}{{ .name }}{{ end }}", ["steps/a/data/items"]],
  ["range over steps", "{{ range $k, $v := .steps }}{{ $v.output }}{{ end }}", ["steps"]],
  ["functions", '{{ printf "%s" .steps.a.output | upcase }}', ["steps/a/output"]],
  ["or", "{{ (or .steps.a .steps.b).output }}", ["steps/a/output", "steps/b/output"]],
  ["everything", "{{ toJson . }}", [""]],
  ["in parentheses", "{{ (.steps.a).output }}", ["steps/a/output"]],
])("%s", (_, source, expected) => {
  const found = paths(source);
  for (const path of expected) expect(found).toContain(path);
  // A variable that walks may also be reported by a longer or shorter path, but never by another root.
  const roots = new Set(expected.map((path) => path.split("/")[0]));
  for (const path of found) expect(roots).toContain(path.split("/")[0]);
});

test("only what is read is reported", () => {
  expect(paths("{{ with .steps.a }}{{ .output }}{{ end }}")).toEqual(["steps/a/output"]);
  expect(paths('{{ (index .steps "fact-check").output }}')).toEqual(["steps/fact-check/output"]);
});

test("a variable that walks along the data in a loop ends", () => {
  expect(paths("{{ $x := .a }}{{ range .l }}{{ $x = $x.next }}{{ $x.v }}{{ end }}")).toContain("a");
});
