/** How a deployable begins and ends: signals in, exit codes and standard error out. */
import type { ConfigOutcome } from "#core/env.ts";

/** Aborts with the first SIGTERM or SIGINT. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Exit code 2 with every fault of the configuration, 1 with whatever `main` ends on. Never rejects. */
export async function runProcess<Config>(
  outcome: ConfigOutcome<Config>,
  main: (config: Config) => Promise<void>,
): Promise<void> {
  if (outcome.kind === "faults") {
    process.stderr.write(`${outcome.faults.join("\n")}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await main(outcome.config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}
