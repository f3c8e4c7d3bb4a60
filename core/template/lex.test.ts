import { expect, test } from "vitest";
import { lex } from "./lex.ts";

function kinds(source: string): string {
  return lex(source)
    .map(({ kind, text }) => (kind === "eof" ? "eof" : `${kind}:${text}`))
    .join(" ");
}

test.each([
  ["a {{- .b -}} c", "text:a leftDelim:{{ field:.b rightDelim: -}} text:c eof"],
  ["{{-3}}", "leftDelim:{{ number:-3 rightDelim:}} eof"],
  ["a{{/* x */}}b", "text:a text:b eof"],
  ["{{- /* x */ -}} b", "text:b eof"],
  ["{{.a.b}}", "leftDelim:{{ field:.a field:.b rightDelim:}} eof"],
  ["{{$x:=1}}", "leftDelim:{{ variable:$x declare::= number:1 rightDelim:}} eof"],
  [
    "{{ /* x */ }}",
    "leftDelim:{{ space:  char:/ char:* space:  identifier:x space:  char:* char:/ space:  rightDelim:}} eof",
  ],
  ["{{ (.a", "leftDelim:{{ space:  leftParen:( field:.a error:unclosed action"],
  ["{{ .a) }}", "leftDelim:{{ space:  field:.a error:unexpected right paren"],
  ["{{ 3.trigger }}", 'leftDelim:{{ space:  error:bad number syntax: "3.t"'],
  ["{{ .a-b }}", "leftDelim:{{ space:  error:bad character U+002D '-'"],
  ["{{/* x }}", "error:unclosed comment"],
])("%s", (source, tokens) => {
  expect(kinds(source)).toBe(tokens);
});
