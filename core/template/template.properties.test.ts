import fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileTemplate, type TemplateData } from "./compile.ts";

const corpus = JSON.parse(
  readFileSync(new URL("../../test/fixtures/templates/go-templates.json", import.meta.url), "utf8"),
) as { template: string; data: TemplateData }[];

const piece = fc.constantFrom(
  ...'{{ }} {{- -}} if else end range with break continue define := = | ( ) . .a .a.b $ $x , " ` \' 1 0x 1e3 -1 nil true len index slice printf "%*d" eq and or upcase map toJson fromJson \\ \n é 😀 /* */ {% %}'.split(
    " ",
  ),
);
const source = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(" ")),
  fc.array(piece, { maxLength: 30 }).map((pieces) => `{{ ${pieces.join(" ")} }}`),
);

function render(template: string, data: TemplateData): string | undefined {
  const outcome = compileTemplate(template);
  if (outcome.kind === "refused") return undefined;
  const rendered = outcome.template.render(data);
  return rendered.kind === "rendered" ? rendered.text : undefined;
}

test("no source makes compile or render throw (C4)", () => {
  fc.assert(
    fc.property(source, (template) => {
      const outcome = compileTemplate(template);
      if (outcome.kind === "refused") {
        expect(outcome.fault.line).toBeGreaterThan(0);
        expect(outcome.fault.column).toBeGreaterThan(0);
      } else outcome.template.render({ a: { b: [1, "x"] } });
    }),
    { numRuns: 1_000 },
  );
});

test("no data makes render throw (C4)", () => {
  const templates = corpus.flatMap(({ template }) => {
    const outcome = compileTemplate(template.replaceAll(/\.(?:trigger|input|steps)\b/g, ".d"));
    return outcome.kind === "compiled" ? [outcome.template] : [];
  });
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(fc.constantFrom(...templates), anything, anything, (template, d, body) => {
      template.render({ d: { body, name: d, output: d } });
      template.render({ d });
    }),
    { numRuns: 1_000 },
  );
});

test("data is never evaluated as a template (C3)", () => {
  const marks = fc.constantFrom(
    "{{ .secret }}",
    "{% assign x = 1 %}{{ x }}",
    "{{ 1 | plus: 1 }}",
    "{%",
    "{{",
    "}}",
    "{{- -}}",
  );
  const text = fc.array(fc.oneof(marks, fc.string())).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (x) => {
      const data = { x, secret: "planted" };
      expect(render("{{ .x }}", data)).toBe(x);
      expect(render("{{ $y := .x }}{{ print $y }}", data)).toBe(x);
      expect(render('{{ .x | append "" }}', data)).toBe(x);
    }),
  );
});

test("a source without actions is its own text (C3)", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("{{")),
      (text) => {
        expect(render(text, {})).toBe(text);
      },
    ),
  );
});

test("JSON data printed and parsed back is the same data", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (x) => {
      const text = render("{{ toJson .x }}", { x });
      expect(JSON.parse(text ?? "")).toEqual(JSON.parse(JSON.stringify(x)));
    }),
  );
});
