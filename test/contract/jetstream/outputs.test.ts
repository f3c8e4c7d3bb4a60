import { afterAll, beforeAll, expect, test } from "vitest";
import { INLINE_LIMIT_BYTES, PREVIEW_CHARS } from "#core/events/text.ts";
import { openStore, type Opened } from "./open.ts";

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

test("text up to 32 KiB stays inline, counted in bytes", async () => {
  const { outputs } = opened.store;
  const text = "a".repeat(INLINE_LIMIT_BYTES);
  expect(await outputs.store(text)).toEqual({ inline: text });
  expect(await outputs.store("ü".repeat(INLINE_LIMIT_BYTES / 2 + 1))).toHaveProperty("ref");
});

test("longer text goes by reference and comes back the same; storing it twice stores it once", async () => {
  const { outputs } = opened.store;
  const text = `${"x".repeat(PREVIEW_CHARS - 1)}🌍${"é".repeat(400_000)}`;
  const stored = await outputs.store(text);
  if (!("ref" in stored)) throw new Error("inline");
  expect(stored.ref.bytes).toBe(Buffer.byteLength(text));
  expect(stored.ref.preview).toBe("x".repeat(PREVIEW_CHARS - 1));
  const before = (await opened.nats.monitor.jsz()).messages;
  expect(await outputs.store(text)).toEqual(stored);
  expect((await opened.nats.monitor.jsz()).messages).toBe(before);
  expect(await outputs.load(stored)).toBe(text);
});

test("many writers of one text at once agree", async () => {
  const { outputs } = opened.store;
  const text = "y".repeat(300_000);
  const stored = await Promise.all(Array.from({ length: 5 }, () => outputs.store(text)));
  expect(new Set(stored.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(await outputs.load(stored[0]!)).toBe(text);
});
