/**
 * Tells on an ArkEvent what its webhook's callers alone see: a wrong token, and fires that a gate stopped (api 16). The
 * webhook function has no access to Kubernetes; what it answers comes by here.
 *
 * O1  Each at most once a minute for one event, by this replica.
 * O2  Nothing depends on it: what cannot be told is not told, and never holds an answer up.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Triggers } from "#core/ports/events.ts";
import type { Logger } from "#core/ports/log.ts";
import { StoreUnavailable } from "#core/ports/record.ts";
import type { RateLimit } from "#platform/http/exchange.ts";
import type { Recorder } from "#platform/kube/events.ts";
import { regarding, tellNormal, tellWarning } from "../tell.ts";
import { eventAt } from "./fire-path.ts";

/** Called when the answer has ended. */
export type TellOutcome = (asked: Pick<IncomingMessage, "method">, pathname: string, answer: ServerResponse) => void;

export type OutcomeDeps = {
  readonly triggers: Pick<Triggers, "get">;
  readonly recorder: Recorder;
  /** O1; by event and outcome. */
  readonly quiet: RateLimit;
  readonly log: Logger;
};

/** What the webhook function says of a fire that it did not store. */
const SKIPPED = "ark-skipped";
const NOTES: Readonly<Record<string, string>> = {
  Suspended: "Suspended: the event is suspended",
  ConcurrencyForbidden: "ConcurrencyForbidden: a run of this event has not ended",
};

export function createOutcomeTelling({ triggers, recorder, quiet, log }: OutcomeDeps): TellOutcome {
  const tell = async (namespace: string, name: string, skipped: string | undefined): Promise<void> => {
    const trigger = await triggers.get(namespace, name);
    if (trigger?.type !== "webhook") return;
    const object = regarding("ArkEvent", { metadata: trigger });
    if (skipped === undefined) tellWarning(recorder, object, "AuthFailed", "a request without the event's token");
    else tellNormal(recorder, object, "Skipped", skipped);
  };
  return (asked, pathname, answer) => {
    const at = eventAt(asked, pathname);
    const skipped = NOTES[String(answer.getHeader(SKIPPED))];
    if (at === undefined || (skipped === undefined && answer.statusCode !== 401)) return;
    const { namespace, event } = at;
    if (quiet.take(`${namespace}/${event}/${skipped ?? 401}`).kind === "refused") return;
    tell(namespace, event, skipped).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) log.error({ err: error, namespace, event }, "outcome not told");
    });
  };
}
