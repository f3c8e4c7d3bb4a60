/** Says, while somebody waits for the runs of a fire, that it may have been given up: then none will ever come. */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import type { Cluster, Key } from "./cluster.ts";
import type { Io } from "./io.ts";

/**
 * Until disposed. A warning and no error: the letter may be another fire's, and a run may still be on its way. `event`
 * is as it was before the fire.
 */
export function watchDeadLetters(cluster: Cluster, event: ArkEvent, runs: readonly Key[], io: Io): Disposable {
  const own = new AbortController();
  const { namespace = cluster.namespace, name = "" } = event.metadata;
  const before = event.status?.deadLetters ?? 0;
  const look = async (): Promise<void> => {
    for await (const { object } of cluster.watch("ArkEvent", { namespace, name }, own.signal)) {
      if ((object.status?.deadLetters ?? 0) <= before) continue;
      const found = await Promise.all(runs.map((run) => cluster.get("ArkRun", run)));
      const absent = runs.filter((_, index) => found[index] === undefined);
      if (absent.length === 0 || own.signal.aborted) continue;
      const text = `a fire of event ${name} was given up, and there is no ${absent.map((run) => run.name).join(", ")}`;
      io.err(`${io.style.yellow("warning:")} ${text}. ${whyGivenUp({ namespace, name })}\n`);
      return;
    }
  };
  // Whoever waits for the runs says what becomes of the server.
  look().catch(() => {});
  return { [Symbol.dispose]: () => own.abort() };
}

export function whyGivenUp({ namespace, name }: Key): string {
  return `The output of \`ark up\` says why; on a cluster, kubectl describe arkevent ${name} -n ${namespace}.`;
}
