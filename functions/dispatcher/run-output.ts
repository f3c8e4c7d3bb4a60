/** The output that a run's event carries, whole: long ones go by reference (F3). */
import type { CloudEventRecord } from "#core/ports/events.ts";
import type { Home } from "#core/ports/record.ts";
import type { DispatcherDeps } from "./deps.ts";

type RunEnded = {
  readonly output?: unknown;
  readonly outputRef?: { readonly digest?: unknown; readonly bytes?: unknown };
  readonly message?: unknown;
};

/** For a failed run: why it failed. */
export async function outputOf(
  of: Home,
  { data }: CloudEventRecord,
  deps: Pick<DispatcherDeps, "outputs">,
): Promise<string> {
  const { output, outputRef, message }: RunEnded = typeof data === "object" && data !== null ? data : {};
  if (typeof outputRef?.digest === "string") {
    const bytes = Number(outputRef.bytes);
    return deps.outputs.load(of, { ref: { digest: outputRef.digest, bytes, preview: "" } });
  }
  if (typeof output === "string") return output;
  return typeof message === "string" ? message : "";
}
