import { expect, test } from "vitest";
import { compileTemplate } from "./compile.ts";

const data = {
  trigger: { body: { name: "ann" } },
  steps: { a: { output: "one", data: { items: ["x", "y"] } }, "b-c": { output: '{"k":"two"}' } },
};

/** What the hook was told, as `path: text`. */
function printed(source: string): string[] {
  const calls: string[] = [];
  const outcome = compileTemplate(source);
  if (outcome.kind === "refused") throw new Error(outcome.fault.message);
  outcome.template.render(data, {
    print: (path, text) => {
      calls.push(`${path?.join("/") ?? "-"}: ${text}`);
      return text;
    },
  });
  return calls;
}

test.each([
  ["a field (T1)", "{{ .steps.a.output }}", ["steps/a/output: one"]],
  ["no place", '{{ "x" }}{{ len .trigger.body.name }}', ["-: x", "-: 3"]],
  ["other data", "{{ .trigger.body.name }}", ["trigger/body/name: ann"]],
  ["a missing step", "{{ .steps.z.output }}", ["steps/z/output: "]],
  ["index (T1)", '{{ (index .steps "b-c").output }}', ['steps/b-c/output: {"k":"two"}']],
  ["index with a key from data", "{{ index .steps.a.data.items 1 }}", ["steps/a/data/items/1: y"]],
  ["a variable", "{{ $x := .steps.a.output }}{{ $x }}", ["steps/a/output: one"]],
  ["with", "{{ with .steps.a }}{{ .output }}{{ end }}", ["steps/a/output: one"]],
  [
    "range",
    "{{ range $i, $e := .steps.a.data.items }}{{ $i }}{{ $e }}{{ end }}",
    ["-: 0", "steps/a/data/items/0: x", "-: 1", "steps/a/data/items/1: y"],
  ],
  ["a filter (T2)", "{{ .steps.a.output | upcase }}", ["steps/a/output: ONE"]],
  ["a function (T2)", '{{ printf "%s-%s" "x" .steps.a.output }}', ["steps/a/output: x-one"]],
  [
    "the first of several (T2)",
    '{{ print .trigger.body.name (index .steps "b-c").output .steps.a.output }}',
    ['steps/b-c/output: ann{"k":"two"}one'],
  ],
  [
    "through several stages (T2)",
    '{{ $x := .steps.a.output | upcase | printf "<%s>" }}{{ $x | downcase }}',
    ["steps/a/output: <one>"],
  ],
  ["below a parsed output (T2)", '{{ (fromJson (index .steps "b-c").output).k }}', ["steps/b-c/output/k: two"]],
  ["the whole data", "{{ len (toJson .) | print }}", [": 128"]],
  ["or hands on (T3)", '{{ or .steps.z.output "d" }}{{ or .nope .steps.a.output }}', ["-: d", "steps/a/output: one"]],
  [
    "default hands on (T3)",
    '{{ .steps.z.output | default "d" }}{{ .steps.a.output | default "d" }}',
    ["-: d", "steps/a/output: one"],
  ],
])("the hook hears where a text came from: %s", (_, source, calls) => {
  expect(printed(source)).toEqual(calls);
});

test("what the hook returns is emitted, text of the template is not its business", () => {
  const outcome = compileTemplate("a {{ .steps.a.output }} b");
  const rendered = outcome.kind === "compiled" && outcome.template.render(data, { print: (_, text) => `<${text}>` });
  expect(rendered).toEqual({ kind: "rendered", text: "a <one> b" });
});

test("a hook that throws fails the rendering", () => {
  const outcome = compileTemplate("{{ 1 }}");
  const print = (): string => {
    throw new Error("broken hook");
  };
  expect(outcome.kind === "compiled" && outcome.template.render({}, { print }).kind).toBe("failed");
});
