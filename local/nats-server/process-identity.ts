import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** A pid with the moment its process started: pids come round again, the pair does not. */
export type ProcessIdentity = { pid: number; startedAt: string };

/** Undefined when no such process runs. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === "linux" ? await linuxStart(pid) : await psStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isRunning(who: ProcessIdentity): Promise<boolean> {
  return (await identify(who.pid))?.startedAt === who.startedAt;
}

/** Field 22 of /proc/<pid>/stat counts from boot, so the boot's id belongs to it. A zombie does not run. */
async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function psStart(pid: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile("ps", ["-o", "lstart=", "-p", String(pid)], { timeout: 5_000 }, (error, stdout) => {
      const text = stdout.trim();
      resolve(error !== null || text === "" ? undefined : text);
    });
  });
}
