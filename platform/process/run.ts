/**
 * How a deployable begins and ends: signals in, exit codes and standard error out.
 *
 * X1  Nobody asks for an exit: a process ends when nothing is at work any more. So what `main` leaves at work when it
 *     fails is stopped too, or the process would stay, take requests and do nothing.
 */
import type { ConfigOutcome } from "#core/env.ts";

/**
 * Exit code 2 with every fault of the configuration, 1 with whatever `main` ends on. Never rejects. `stop` aborts with the
 * first SIGTERM or SIGINT, and when `main` has ended (X1).
 */
export async function runProcess<Config>(
  outcome: ConfigOutcome<Config>,
  main: (config: Config, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  if (outcome.kind === "faults") {
    process.stderr.write(`${outcome.faults.join("\n")}\n`);
    process.exitCode = 2;
    return;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  try {
    await main(outcome.config, stop.signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    stop.abort();
  }
}
