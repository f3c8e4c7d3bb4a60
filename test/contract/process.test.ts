/** A process of ours as the world sees it: how it ends. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const RUN = fileURLToPath(new URL("../../platform/process/run.ts", import.meta.url));

type Ended = { readonly code: unknown; readonly said: string };

function run(program: string): Promise<Ended> {
  const source = `import { runProcess } from ${JSON.stringify(RUN)};\n${program}`;
  return new Promise((resolve) => {
    const args = ["--input-type=module-typescript", "--eval", source];
    execFile(process.execPath, args, { timeout: 60_000 }, (error, _out, said) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), said }),
    );
  });
}

test("X1: a process whose main fails ends, with what it left at work", async () => {
  const { code, said } = await run(`
    await runProcess({ kind: "config", config: {} }, async (_config, stop) => {
      const work = setInterval(() => {}, 1_000);
      stop.addEventListener("abort", () => clearInterval(work));
      throw new Error("a bug");
    });
  `);
  expect(code).toBe(1);
  expect(said).toContain("a bug");
});

test("P10: a process that is not configured ends with every fault, and begins nothing", async () => {
  const faults = ["A: wants a number", "B: wants an address"];
  const { code, said } = await run(`
    await runProcess({ kind: "faults", faults: ${JSON.stringify(faults)} }, async () => { throw new Error("began"); });
  `);
  expect([code, said]).toEqual([2, `${faults.join("\n")}\n`]);
});
