import { jetstream } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { INLINE_LIMIT_BYTES, PREVIEW_CHARS } from "#core/events/text.ts";
import { OutputLost } from "#core/ports/record.ts";
import { openLink } from "#platform/jetstream/link.ts";
import { outputs } from "#platform/jetstream/outputs.ts";
import { openStore, type Opened } from "./open.ts";

const HOME = { namespace: "default" };

let opened: Opened;
beforeAll(async () => {
  opened = await openStore();
});
afterAll(() => opened[Symbol.asyncDispose]());

test("text up to 32 KiB stays inline, counted in bytes", async () => {
  const { outputs } = opened.store;
  const text = "a".repeat(INLINE_LIMIT_BYTES);
  expect(await outputs.store(HOME, text)).toEqual({ inline: text });
  expect(await outputs.store(HOME, "ü".repeat(INLINE_LIMIT_BYTES / 2 + 1))).toHaveProperty("ref");
});

test("longer text goes by reference and comes back the same; storing it twice stores it once", async () => {
  const { outputs } = opened.store;
  const text = `${"x".repeat(PREVIEW_CHARS - 1)}🌍${"é".repeat(400_000)}`;
  const stored = await outputs.store(HOME, text);
  if (!("ref" in stored)) throw new Error("inline");
  expect(stored.ref.bytes).toBe(Buffer.byteLength(text));
  expect(stored.ref.preview).toBe("x".repeat(PREVIEW_CHARS - 1));
  const before = (await opened.nats.monitor.jsz()).messages;
  expect(await outputs.store(HOME, text)).toEqual(stored);
  expect((await opened.nats.monitor.jsz()).messages).toBe(before);
  expect(await outputs.load(HOME, stored)).toBe(text);
});

test("many writers of one text at once agree", async () => {
  const { outputs } = opened.store;
  const text = "y".repeat(300_000);
  const stored = await Promise.all(Array.from({ length: 5 }, () => outputs.store(HOME, text)));
  expect(new Set(stored.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(await outputs.load(HOME, stored[0]!)).toBe(text);
});

test("O2: a text that is stored again after a while is renewed, whole, and still there once", async () => {
  const link = await openLink(await opened.nats.connect());
  const state = async () =>
    (await opened.nats.monitor.jsz()).streams.find(({ name }) => name === "OBJ_ark-outputs")?.state;
  const text = "r".repeat(300_000);
  await outputs(link).store(HOME, text);
  const before = await state();
  await outputs(link).store(HOME, text);
  expect((await state())?.last_seq).toBe(before?.last_seq);
  const renewed = await outputs(link, -1).store(HOME, text);
  const pieces = 3;
  expect(await state()).toMatchObject({ messages: before?.messages, last_seq: (before?.last_seq ?? 0) + pieces });
  expect(await outputs(link).load(HOME, renewed)).toBe(text);
});

test("O2, O3: a text is its namespace's own, is never written over, and what is not what was stored is an error", async () => {
  const { outputs } = opened.store;
  const text = "z".repeat(40_000);
  const stored = await outputs.store(HOME, text);
  if (!("ref" in stored)) throw new Error("inline");
  await expect(outputs.load({ namespace: "other" }, stored)).rejects.toBeInstanceOf(OutputLost);
  const js = jetstream(await opened.nats.connect());
  const subject = `$O.ark-outputs.C.other.${stored.ref.digest.slice("sha256:".length)}.0`;
  await js.publish(subject, "forged");
  await expect(outputs.load({ namespace: "other" }, stored)).rejects.toBeInstanceOf(OutputLost);
});
