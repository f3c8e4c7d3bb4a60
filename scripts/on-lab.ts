/** A lab for as long as something runs on it: brought up when it is down, and taken down again then. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Starting is a matter of some processes finding each other: now and then one of them is late. */
const STARTS = 3;

/** Its exit code. */
export function run(
  command: string,
  args: readonly string[],
  stdio: "inherit" | "ignore" = "inherit",
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", stdio, stdio] });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Exit code of `task`, which is given the lab's program; 1 when the lab does not start. */
export async function onLab(where: string, task: (lab: string) => Promise<number>): Promise<number> {
  const lab = path.resolve(where);
  const wasUp = (await run(lab, ["exec", "true"], "ignore")) === 0;
  if (!wasUp && !(await bringUp(lab))) return 1;
  const code = await task(lab);
  if (!wasUp) await run(lab, ["down"]);
  return code;
}

async function bringUp(lab: string): Promise<boolean> {
  for (let left = STARTS; left > 0; left -= 1) {
    if ((await run(lab, ["up"])) === 0) return true;
    await run(lab, ["down"]);
  }
  return false;
}
