/** What a dead letter of an event holds of it: written by the dispatcher, read by whoever sends it again. */
import type { CloudEventRecord } from "#core/ports/events.ts";

export type LostEvent = {
  readonly namespace: string;
  readonly event: string;
  /** Names the fire; absent where nobody could say. */
  readonly key?: string;
  readonly cloudEvent: CloudEventRecord;
};

/** Undefined: no event, or one that could not be read. What is stored was written by this project: its outline is looked at. */
export function lostEvent(original: unknown): LostEvent | undefined {
  if (typeof original !== "object" || original === null) return undefined;
  if (!("namespace" in original) || !("event" in original) || !("cloudEvent" in original)) return undefined;
  const { cloudEvent } = original;
  const isEvent = typeof cloudEvent === "object" && cloudEvent !== null && "type" in cloudEvent;
  return isEvent ? (original as LostEvent) : undefined;
}
