/** A lab for as long as something runs on it: brought up when it is down, and taken down again then. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Starting is a matter of some processes finding each other: now and then one of them is late. */
const STARTS = 3;
const START_LIMIT_MS = 300_000;
/** Exit code of its own: whoever runs the tests can tell a machine that cannot start a lab from tests that fail. */
const NO_LAB = 3;

/** Its exit code. `limitMs` 0: it takes as long as it takes. */
export function run(
  command: string,
  args: readonly string[],
  stdio: "inherit" | "ignore" = "inherit",
  limitMs = 0,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", stdio, stdio], timeout: limitMs });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Exit code of `task`, which is given the lab's program; 3 when the lab does not start, and then alone. */
export async function onLab(where: string, task: (lab: string) => Promise<number>): Promise<number> {
  const lab = path.resolve(where);
  const wasUp = (await run(lab, ["exec", "true"], "ignore")) === 0;
  if (!wasUp && !(await bringUp(lab))) return NO_LAB;
  const code = await task(lab);
  if (!wasUp) await run(lab, ["down"]);
  return code === NO_LAB ? 1 : code;
}

async function bringUp(lab: string): Promise<boolean> {
  for (let left = STARTS; left > 0; left -= 1) {
    if ((await run(lab, ["up"], "inherit", START_LIMIT_MS)) === 0) return true;
    await run(lab, ["down"]);
  }
  return false;
}
