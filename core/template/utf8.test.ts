import fc from "fast-check";
import { expect, test } from "vitest";
import { compareText, fromBytes, rejoin, toBytes, toText, utf8Length, wellFormed } from "./utf8.ts";

test("any bytes survive as text", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = fromBytes(bytes);
      expect(toBytes(text)).toEqual(bytes);
      expect(utf8Length(text)).toBe(bytes.length);
      expect(rejoin(text)).toBe(text);
    }),
  );
});

test("text becomes well-formed, one U+FFFD for each byte that is not UTF-8", () => {
  expect(toText(fromBytes(Uint8Array.of(0x61, 0xff, 0xc3)))).toBe("a\ufffd\ufffd");
  expect(wellFormed("a\ud800b")).toBe("a\ufffdb");
});

test("texts compare by bytes, not by UTF-16 units", () => {
  expect(compareText("\uffee", "😀")).toBeLessThan(0);
  expect(["😀", "\uffee"].toSorted()).toEqual(["😀", "\uffee"]);
  expect(compareText("a", "ab")).toBeLessThan(0);
  expect(compareText("é", "é")).toBe(0);
});
