import { describe, expect, it } from "vitest";
import { oneLine, padEnd, printable, truncate, width } from "./style.ts";

describe("terminal text", () => {
  it("counts columns, not code units", () => {
    expect(width("abc")).toBe(3);
    expect(width("日本")).toBe(4);
    expect(width("é")).toBe(1);
    expect(width("🚀")).toBe(2);
  });

  it("truncates at a grapheme and marks the cut", () => {
    expect(truncate("abcdef", 4)).toBe("abc…");
    expect(truncate("日本語", 5)).toBe("日本…");
    expect(truncate("abc", 3)).toBe("abc");
    expect(truncate("abc", 0)).toBe("");
  });

  it("takes control characters out of foreign text, so that a model cannot drive the terminal", () => {
    expect(printable("a\u001b]0;title\u0007b\r\nc\td")).toBe("a\uFFFD]0;title\uFFFDb\nc\td");
    expect(oneLine(" a\n\n b\tc ")).toBe("a b c");
  });

  it("pads by columns", () => expect(padEnd("日", 4)).toBe("日  "));
});
