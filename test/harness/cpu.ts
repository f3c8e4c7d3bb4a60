/** Processor time of another process: its own, however busy the machine is. */
import { readFile } from "node:fs/promises";

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_MS = 10;
/** Counted from the end of the name in parentheses, which may hold spaces (proc_pid_stat(5): utime is the 14th field). */
const UTIME = 11;

/** Milliseconds in user and kernel mode since its start; undefined where there is no `/proc`. */
export async function cpuMs(pid: number): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME]) + Number(fields[UTIME + 1])) * TICK_MS;
}
