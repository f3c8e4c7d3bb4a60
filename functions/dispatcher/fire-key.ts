/** Which fire a CloudEvent is: the same fire has the same key, however often and by whichever way it comes (P1). */
import { createHash } from "node:crypto";
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { EVENT_TYPES, extension, EXTENSIONS } from "#core/events/cloud-event.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import { missedTicks, tickKey } from "#core/schedule/ticks.ts";

/** A source may send a moment before its tick by the clock of whoever looks. */
const TICK_TOLERANCE_MS = 1_000;

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Source and id, which CloudEvents promises to be unique. */
export function eventDigest({ source, id }: CloudEventRecord): string {
  return sha256(`${source}\n${id}`);
}

/**
 * A webhook's event carries its key. A cron source's key is its tick, never the event's id: two senders of one tick are
 * one fire. All others: the event itself.
 */
export function fireKey(event: ArkEvent, cloudEvent: CloudEventRecord, receivedAt: number): string {
  const given = cloudEvent.type === EVENT_TYPES.webhook ? extension(cloudEvent, EXTENSIONS.key) : undefined;
  if (given !== undefined) return given;
  const { cron, timeZone, type } = event.spec.source;
  if (type === "cron" && cron !== undefined) {
    const at = Date.parse(cloudEvent.time ?? "") || receivedAt;
    const [tick = at] = missedTicks(
      { cron, ...(timeZone === undefined ? {} : { timeZone }) },
      0,
      at + TICK_TOLERANCE_MS,
    );
    return tickKey(tick);
  }
  return eventDigest(cloudEvent);
}
