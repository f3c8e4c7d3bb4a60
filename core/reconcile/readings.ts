/**
 * What there is now, as metrics tell it.
 *
 * N1  Read from what is known, never counted up and down: no process that dies leaves a run active for ever, and several
 *     that add up do so to the truth, as long as one alone reads.
 */
import type { Replay } from "#core/ports/events.ts";
import type { Meters, Reading } from "#core/ports/meters.ts";

export type RunGlance = { readonly namespace: string; readonly team: string | undefined; readonly hasEnded: boolean };

/** Whoever knows the runs and dead letters of the whole; one process at a time. */
export type Whole = {
  readonly runs: () => Iterable<RunGlance>;
  /** By the last look. */
  readonly letters: () => Census | undefined;
};

/** Until it is disposed of. */
export function tellWhole({ runs, letters }: Whole, meters: Pick<Meters, "observe">): Disposable {
  const telling = new DisposableStack();
  telling.use(meters.observe("ark.runs.active", () => activeRuns(runs())));
  telling.use(meters.observe("ark.dlq.messages", () => deadLetters(letters())));
  return telling;
}

/** One for each team of which there is a run, also where all have ended; one for runs of no team. */
function activeRuns(runs: Iterable<RunGlance>): readonly Reading<"ark.runs.active">[] {
  const counts = new Map<string, number>();
  for (const { namespace, team = "", hasEnded } of runs) {
    const key = `${namespace}/${team}`;
    counts.set(key, (counts.get(key) ?? 0) + (hasEnded ? 0 : 1));
  }
  return [...counts].map(([key, value]) => {
    const [namespace, team] = key.split("/");
    return { value, attributes: { "ark.namespace": namespace, "ark.team": team === "" ? undefined : team } };
  });
}

export type Census = Awaited<ReturnType<Replay["census"]>>;

/** Events of a namespace together, tasks by their agent. */
function deadLetters(census: Census | undefined): readonly Reading<"ark.dlq.messages">[] {
  if (census === undefined) return [];
  const events = new Map<string, number>();
  for (const [key, count] of census.counts) {
    const [namespace = ""] = key.split("/");
    events.set(namespace, (events.get(namespace) ?? 0) + count);
  }
  return [
    ...[...events].map(([namespace, value]) => ({ value, attributes: { "ark.namespace": namespace } })),
    ...[...census.tasks].map(([key, value]) => {
      const [namespace, agent] = key.split("/");
      return { value, attributes: { "ark.namespace": namespace, "ark.agent": agent } };
    }),
  ];
}
