import { expect, test } from "vitest";
import { compileTemplate, type CompiledTemplate, type RenderHooks, type TemplateData } from "./compile.ts";

function compiled(source: string, maxResultBytes?: number): CompiledTemplate {
  const outcome = compileTemplate(source, maxResultBytes === undefined ? {} : { maxResultBytes });
  if (outcome.kind === "refused") throw new Error(outcome.fault.message);
  return outcome.template;
}

function render(source: string, data: TemplateData = {}, hooks?: RenderHooks): string {
  const outcome = compiled(source).render(data, hooks);
  return outcome.kind === "rendered" ? outcome.text : `failed: ${outcome.fault.message}`;
}

function refusal(source: string) {
  const outcome = compileTemplate(source);
  return outcome.kind === "refused" ? outcome.fault : undefined;
}

const data = {
  trigger: { body: { big: 1234567890123, none: null, o: { z: 1, a: [1, 2.5, null] }, list: ["a", "b"], name: "ann" } },
  input: { n: "10" },
  steps: { research: { output: "found", data: { items: ["x", "y"] } }, "fact-check": { output: "true enough" } },
};

test.each([
  ["a missing key is empty", "[{{ .nope }}{{ .nope.deeper.still }}{{ .steps.gone.output }}]", "[]"],
  ["and below index", '[{{ (index .steps "gone").output }}{{ index .steps "gone" "output" }}]', "[]"],
  ["and false", "{{ if .steps.gone.output }}y{{ else }}n{{ end }}", "n"],
  ["and empty in a format", '[{{ printf "%s%v" .nope .trigger.body.none }}]', "[]"],
  ["null is empty", "[{{ .trigger.body.none }}{{ .trigger.body.none.x }}]", "[]"],
  ["whole numbers print whole", "{{ .trigger.body.big }} {{ 1e20 }}", "1234567890123 100000000000000000000"],
  [
    "also through print",
    '{{ print .trigger.body.big }} {{ printf "%v" .trigger.body.big }}',
    "1234567890123 1234567890123",
  ],
  ["objects print as JSON in their own order", "{{ .trigger.body.o }}", '{"z":1,"a":[1,2.5,null]}'],
  ["numbers compare by value", "{{ eq .trigger.body.big 1234567890123 }}{{ lt 1 1.5 }}", "truetrue"],
  ["an unknown input is the empty text", '{{ eq .input.nope "" }}', "true"],
])("D15, deviation: %s", (_, source, text) => {
  expect(render(source, data)).toBe(text);
});

test.each([
  ["{{ .trigger.body.name | upcase }}", "ANN"],
  ["{{ upcase .trigger.body.name }}", "ANN"],
  ['{{ "a long sentence" | truncate 10 }}', "a long ..."],
  ['{{ "a,b" | split "," | last }}', "b"],
  ['{{ .trigger.body.list | join "+" }}', "a+b"],
  ['{{ index .trigger.body.list ("xx" | size | minus 1) }}', "b"],
  ['{{ "x" | append (print 1) | append "y" }}', "x1y"],
  ['{{ .nope | default "d" }}{{ default "d" "v" }}', "dv"],
  ["{{ toJson .trigger.body.list }}{{ .nope | toJson }}", '["a","b"]null'],
  ['{{ (fromJson "{\\"k\\":[7]}").k }}', "[7]"],
  ['{{ "2026-03-17T08:00:00Z" | date "%Y-%m-%d %H:%M" }}', "2026-03-17 08:00"],
  ['{{ (.list | map "constructor") }}', "[]"],
])("functions: %s", (source, text) => {
  expect(render(source, { ...data, list: [] })).toBe(text);
});

test.each([
  ["{{ .steps.fact-check.output }}", 1, 15, '{{ (index .steps "fact-check").output }}'],
  ["{{ .fact-check }}", 1, 9, '{{ index . "fact-check" }}'],
  ["{{ $.a-b.c-d }}", 1, 7, '{{ (index (index $ "a-b") "c-d") }}'],
  ["x\n{{ trigger.name }}", 2, 4, ".trigger"],
  ["{{ add 1 2 }}", 1, 4, "plus"],
])("refused with a next step: %s", (source, line, column, hint) => {
  expect(refusal(source)).toMatchObject({ line, column, hint: expect.stringContaining(hint) as string });
});

test.each([
  "{{ call .x }}",
  '{{ define "x" }}{{ end }}',
  '{{ template "x" }}',
  '{{ block "x" . }}{{ end }}',
  '{{ .list | where_exp "x" "x" }}',
  "{{ sample .list }}",
  "{{ 1i }}",
])("refused, saying that it is not supported: %s", (source) => {
  expect(refusal(source)?.message).toContain("not supported");
});

test.each([
  "{{ len }}",
  "{{ not 1 2 }}",
  "{{ nil }}",
  "{{ .a .b }}",
  "{{ 1 | .a }}",
  "{{ upcase }}",
  "{{ print (len) }}",
])("refused, though Go sees it only when it executes: %s", (source) => {
  expect(refusal(source)).toBeDefined();
});

test("a fault names the place", () => {
  expect(compiled("é\n  {{ if true }}{{ index .list 5 }}{{ end }}").render({ list: [] })).toEqual({
    kind: "failed",
    fault: { line: 2, column: 19, message: "index: index out of range: 5" },
  });
});

test("a text compared with a number says what to write", () => {
  const outcome = compiled("{{ eq .input.n 10 }}").render(data);
  expect(outcome).toMatchObject({ kind: "failed", fault: { hint: expect.stringContaining("quotes") as string } });
});

test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "prototype"])("%s is out of reach", (name) => {
  const source = `{{ .${name} }}{{ .o.${name} }}{{ index . "${name}" }}{{ .o.${name}.${name} }}{{ index .l 0 | default "" }}`;
  expect(render(source, { o: {}, l: [""] })).toBe("");
  expect(render(`{{ .f.${name} }}`, { f: () => 1 })).toBe("");
  expect(render(`{{ .l | map "${name}" | compact }}`, { l: [{}] })).toBe("[]");
});

test("data is never evaluated", () => {
  const text = "{{ .secret }}{% if true %}x{% endif %}{{ 1 | plus: 1 }}";
  expect(render("{{ .x }}{{ print .x }}{{ .x | strip }}", { x: text, secret: "s" })).toBe(text.repeat(3));
});

test("limits", () => {
  expect(refusal("x".repeat(64 * 1024 + 1))?.message).toContain("larger than 65536");
  expect(refusal("x".repeat(64 * 1024))).toBeUndefined();
  expect(render("{{ .x }}", { x: "é".repeat(1024 * 512) })).toHaveLength(1024 * 512);
  expect(render("{{ .x }}x", { x: "é".repeat(1024 * 512) })).toContain("larger than 1048576 bytes");
  expect(compiled("{{ .x }}", 3).render({ x: "abcd" }).kind).toBe("failed");
  expect(render("{{ range 10000 }}{{ end }}")).toBe("");
  expect(render("{{ range 10001 }}{{ end }}")).toContain("10000 loop rounds");
  expect(render("{{ range 9000 }}{{ end }}{{ range 1001 }}{{ end }}")).toContain("10000 loop rounds");
  expect(
    render(
      '{{ printf "%999999d%999999[1]d%999999[1]d%999999[1]d%999999[1]d%999999[1]d%999999[1]d%999999[1]d%999999[1]d" 1 }}',
    ),
  ).toContain("too long");
  expect(refusal("{{ if true }}".repeat(500) + "{{ end }}".repeat(500))?.message).toContain("nested");
  expect(refusal(`{{ ${"(".repeat(5000)}1${")".repeat(5000)} }}`)?.message).toContain("nested");
});

test("rendering ends after its time, between actions and inside one", () => {
  const slow = { x: "aé".repeat(300_000) };
  expect(render("{{ range 10000 }}{{ if lt $.x $.x }}{{ end }}{{ end }}", slow)).toContain("1000 ms");
  expect(render(`{{ or ${"(lt .x .x) ".repeat(5_000)} }}`, slow)).toContain("1000 ms");
});

test("texts cannot grow without end on the way", () => {
  expect(render("{{ $x := .x }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}", { x: "aaaa" })).toContain("memory");
  expect(render('{{ $x := .x }}{{ range 9 }}{{ $x = $x | replace "a" $x }}{{ end }}', { x: "aaaa" })).toContain(
    "memory",
  );
});

test("data that JSON cannot hold fails, it does not throw", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  expect(render("{{ . }}", { loop })).toContain("failed");
  const throwing = Object.defineProperty({}, "x", {
    enumerable: true,
    get: () => {
      throw new Error("no");
    },
  });
  expect(render("{{ .o.x }}", { o: throwing })).toContain("failed");
});

test("bytes that are not UTF-8 come out as U+FFFD, unless they meet again", () => {
  expect(render('{{ slice .x 0 1 }}|{{ slice .x 0 1 }}{{ slice .x 1 2 }}|{{ len "\\xff" }}', { x: "é" })).toBe(
    "\ufffd|é|1",
  );
});

test("a template renders alike every time, also side by side", () => {
  const template = compiled("{{ $x := .n }}{{ range $i, $e := .l }}{{ $x = $e }}{{ $x }}{{ end }}{{ $x }}");
  const texts = new Set(Array.from({ length: 50 }, () => JSON.stringify(template.render({ n: 0, l: [1, 2] }))));
  expect(texts.size).toBe(1);
});
