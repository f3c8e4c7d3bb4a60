/**
 * What an API server cannot judge of an ArkEvent, and takes: reasons of its condition Ready (api 1, D45). CEL sees the
 * shape of a schedule, a zone and a filter; of a template it sees text.
 */
import { explain } from "#core/api/explain.ts";
import { ArkEventSpecSchema, type ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { targetTexts } from "#core/validate/targets.ts";

export type EventFault = { readonly reason: string; readonly message: string };

/** The source can never fire. */
export function sourceFault({ spec }: ArkEvent): EventFault | undefined {
  const parsed = ArkEventSpecSchema.safeParse(spec);
  const [fault] = parsed.success ? [] : explain(parsed.error.issues, spec);
  if (fault === undefined) return undefined;
  const reason = fault.path === "source.cron" ? "InvalidCron" : "InvalidSource";
  return { reason, message: `spec.${fault.path}: ${fault.message}` };
}

/** A target that no fire can start: each becomes a dead letter. */
export function templateFault(event: ArkEvent): EventFault | undefined {
  const [fault] = targetTexts(event).faults;
  if (fault === undefined) return undefined;
  const { path, message, hint } = fault;
  return { reason: "InvalidTemplate", message: `${path}: ${message}${hint === undefined ? "" : `; ${hint}`}` };
}
