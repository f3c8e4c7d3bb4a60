/** Goes through cases that Go's own text/template rendered; the rules stand in the README beside the fixture. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileTemplate, type TemplateData } from "./compile.ts";

type Case = {
  name: string;
  template: string;
  data: TemplateData;
  output?: string;
  error?: "parse" | "exec";
  message?: string;
  deviation?: true;
  expected?: string;
};

const folder = new URL("../../test/fixtures/templates/", import.meta.url);
const cases = JSON.parse(readFileSync(new URL("go-templates.json", folder), "utf8")) as Case[];

/** Errors in Go that are documented extensions here: numbers by value, and functions that the product adds. */
const EXTENSION = /incompatible types for comparison: (?:float64 and int|int and float64)|function "\w+" not defined/;

function outcomeOf({ template, data }: Case): { refused: string } | { failed: string } | { text: string } {
  const compiled = compileTemplate(template);
  if (compiled.kind === "refused") return { refused: compiled.fault.message };
  const rendered = compiled.template.render(data);
  return rendered.kind === "rendered" ? { text: rendered.text } : { failed: rendered.fault.message };
}

const renderable = cases.filter(({ output }) => output !== undefined);

test.each(renderable.filter(({ deviation }) => deviation !== true))("$name: $template", (item) => {
  const outcome = outcomeOf(item);
  if (!("refused" in outcome)) expect(outcome).toEqual({ text: item.output });
});

test.each(renderable.filter(({ deviation }) => deviation === true))("deviation $name: $template", (item) => {
  expect(outcomeOf(item)).toEqual({ text: item.expected });
});

test.each(cases.filter(({ error }) => error !== undefined))("error $name: $template", (item) => {
  const outcome = outcomeOf(item);
  if ("text" in outcome) expect(item.message).toMatch(EXTENSION);
});

test("at most 5 % of the cases that Go renders are refused", () => {
  const plain = renderable.filter(({ deviation }) => deviation !== true);
  const refused = plain.flatMap((item) => {
    const outcome = outcomeOf(item);
    return "refused" in outcome ? [`${item.name} ${item.template}: ${outcome.refused}`] : [];
  });
  console.info(`refused ${refused.length} of ${plain.length}\n${refused.join("\n")}`);
  expect(refused.length).toBeLessThanOrEqual(plain.length * 0.05);
});
