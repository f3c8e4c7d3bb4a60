import fc from "fast-check";
import { expect, test } from "vitest";
import { REDACTED, redactedStream, redactor } from "./redact.ts";

const KEY = "sk-planted-0123456789";

test("P7, D23: a secret is taken out of a text, as it is, quoted, in a URL, and without its scheme", () => {
  const odd = 'p"a/ss word-1';
  const redact = redactor([KEY, "Bearer mcp-token-77", odd]);
  expect(redact(`no such key: ${KEY}!`)).toBe(`no such key: ${REDACTED}!`);
  expect(redact("authorization: Bearer mcp-token-77")).toBe(`authorization: ${REDACTED}`);
  expect(redact("token mcp-token-77 is old")).toBe(`token ${REDACTED} is old`);
  expect(redact(JSON.stringify({ given: odd }))).toBe(`{"given":"${REDACTED}"}`);
  expect(redact(`?key=${encodeURIComponent(odd)}`)).toBe(`?key=${REDACTED}`);
});

test("P7: of two secrets the one within the other leaves no rest of it", () => {
  expect(redactor(["abcdefgh", "abcdefgh-and-more"])("abcdefgh-and-more")).toBe(REDACTED);
});

test("P7: a private key is taken out line by line; the certificate beside it is no secret", () => {
  const lines = [`MIGHAgEA${"a".repeat(56)}`, `${"b".repeat(60)}/+Zz`, "c0ffee/+xQ=="];
  const pem = ["-----BEGIN EC PRIVATE KEY-----", ...lines, "-----END EC PRIVATE KEY-----"].join("\n");
  const redact = redactor([pem, `-----BEGIN CERTIFICATE-----\n${"d".repeat(64)}\n-----END CERTIFICATE-----`]);
  expect(redact(pem)).toBe(REDACTED);
  for (const between of ["\r\n  ", "", "\\n"])
    expect(redact(`it is ${lines.join(between)}.`)).toBe(`it is ${Array(3).fill(REDACTED).join(between)}.`);
  expect(redact(`subject ${"d".repeat(64)}`)).toBe(`subject ${"d".repeat(64)}`);
});

test("a value that is no more than a word changes nothing", () => {
  expect(redactor(["", "yes", "none"])("yes, none of it")).toBe("yes, none of it");
});

test("P7, E11: a stream is cleaned as its whole text, however it is cut, and nothing of it is lost", () => {
  const pieces = fc.array(fc.oneof(fc.constant(KEY), fc.constant(KEY.slice(0, 9)), fc.string({ maxLength: 8 })));
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(12)), (parts, cuts) => {
      const text = parts.join("");
      let said = "";
      const stream = redactedStream([KEY], (token) => (said += token));
      let at = 0;
      for (const cut of cuts) {
        stream.push(text.slice(at, at + cut));
        at += cut;
      }
      stream.push(text.slice(at));
      stream.end();
      expect(said).toBe(redactor([KEY])(text));
    }),
  );
});

test.each([
  ["one is the beginning of the other", ["abcdefgh", "abcdefgh-and-more"]],
  ["the end of one may begin the other", ["abcdefgh-12", "12-zyxwvut"]],
])("S2: two secrets, cut anywhere, leave no rest: %s", (_how, secrets) => {
  for (const secret of secrets) {
    const text = `it is ${secret}!`;
    for (let cut = 1; cut < text.length; cut += 1) {
      let said = "";
      const stream = redactedStream(secrets, (token) => (said += token));
      for (const part of [text.slice(0, cut), text.slice(cut)]) stream.push(part);
      stream.end();
      expect(said).toBe(`it is ${REDACTED}!`);
    }
  }
});

test.each([
  ["one that repeats itself, twice", ["abcdabcd"], "abcdabcdabcdabcd"],
  ["two that overlap", ["key-abcdefgh", "efgh-then-more"], "key-abcdefgh-then-more."],
])("S2: secrets that overlap are cleaned as in the whole text, whatever comes at once: %s", (_how, secrets, text) => {
  for (let size = 1; size <= text.length; size += 1) {
    let said = "";
    const stream = redactedStream(secrets, (token) => (said += token));
    for (let at = 0; at < text.length; at += size) stream.push(text.slice(at, at + size));
    stream.end();
    expect(said).toBe(redactor(secrets)(text));
  }
});
