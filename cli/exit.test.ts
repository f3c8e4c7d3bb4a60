import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ArkError } from "#core/errors.ts";
import { asArkError, errorText, exitCodeOf } from "./exit.ts";
import { PLAIN } from "./render/style.ts";

it.each([
  ["usage", 2],
  ["manifest.invalid", 2],
  ["run.failed", 1],
  ["server.unreachable", 3],
  ["timeout", 124],
  ["interrupted", 130],
] as const)("ends %s with exit code %d", (code, exit) => {
  expect(exitCodeOf(new ArkError(code, "m", "h"))).toBe(exit);
});

it("prints code, sentence and next step, never a stack", () => {
  const text = errorText(new ArkError("usage", "no such file\nsecond", "Give a file."), PLAIN);
  expect(text).toBe("error: usage: no such file\n  second\nnext: Give a file.\n");
  const bug = errorText(asArkError(new TypeError("x is undefined")), PLAIN);
  expect(bug).toMatch(/^error: internal: x is undefined\nnext: /);
  expect(bug).not.toMatch(/\n\s+at /);
});

it("what the system refuses is no bug of ours: it names file and cause", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-refused-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, "file");
  await writeFile(file, "");
  const error = asArkError(
    await mkdir(path.join(file, "below"), { recursive: true }).catch((thrown: unknown) => thrown),
  );
  expect(exitCodeOf(error)).toBe(3);
  expect(errorText(error, PLAIN)).toMatch(/^error: file\.refused: ENOTDIR: .*file\/below.*\nnext: /);
  const away = asArkError(await rm(path.join(folder, "none")).catch((thrown: unknown) => thrown));
  expect(away.code).toBe("internal");
});
