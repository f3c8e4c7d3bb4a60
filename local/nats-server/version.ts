import { runCommand, type Env } from "./command.ts";

export type VersionOutcome = { kind: "version"; version: string } | { kind: "unreadable"; why: string };

/** Asks the binary itself: `nats-server: v2.15.1`. Never rejects. */
export async function readVersion(binary: string, env: Env, signal: AbortSignal): Promise<VersionOutcome> {
  const outcome = await runCommand(binary, ["--version"], { env, timeoutMs: 10_000, signal });
  if (outcome.kind === "failed") return { kind: "unreadable", why: outcome.why };
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(outcome.stdout)?.[1];
  return version === undefined
    ? { kind: "unreadable", why: `its --version says ${JSON.stringify(outcome.stdout.slice(0, 80))}` }
    : { kind: "version", version };
}

/** Compares `major.minor.patch`, number by number. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = version.split(".").map(Number);
  const want = minimum.split(".").map(Number);
  for (const [index, wanted] of want.entries()) {
    const part = have[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
