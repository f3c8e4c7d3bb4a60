/** What cannot be dispatched is kept with its reason and the original, and can be replayed; it is never answered 4xx. */
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import { EXTENSIONS, extension } from "#core/events/cloud-event.ts";
import type { HandleOutcome } from "#core/outcome.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";
import type { DispatcherDeps } from "./deps.ts";

export type Letter = {
  readonly namespace: string;
  readonly name: string;
  readonly reason: string;
  readonly message: string;
  readonly cloudEvent?: CloudEventRecord;
  readonly key?: string;
  /** Deterministic: the same letter twice is one; an event that is sent again and lost again is another. */
  readonly id: string;
};

export async function deadLetter(
  letter: Letter,
  deps: Pick<DispatcherDeps, "deadLetters" | "now" | "log">,
): Promise<void> {
  const { reason, message, cloudEvent, key } = letter;
  // The store drops an id that comes again within its window, though the first letter has been taken away since.
  const sent = cloudEvent === undefined ? undefined : extension(cloudEvent, EXTENSIONS.letter);
  const id = sent === undefined ? letter.id : `${letter.id}/${sent}`;
  const namespace = label(letter.namespace);
  const name = label(letter.name);
  const original = { namespace, event: name, ...(key === undefined ? {} : { key }), cloudEvent: cloudEvent ?? null };
  await deps.deadLetters.store({ of: "event", namespace, name, reason, message, original, at: deps.now() }, id);
  deps.log.warn({ namespace, event: name, reason }, "event dead-lettered");
}

type Lost = {
  readonly cloudEvent: CloudEventRecord;
  /** The extension that names what the event is for. */
  readonly named: string;
  readonly reason: string;
  readonly message: string;
};

/** An event of Ark's own that starts nothing: its extensions say where it belongs, and it is settled. */
export async function bury({ cloudEvent, named, reason, message }: Lost, deps: DispatcherDeps): Promise<HandleOutcome> {
  const namespace = extension(cloudEvent, EXTENSIONS.namespace) ?? "";
  const name = extension(cloudEvent, named) ?? "";
  await deadLetter({ namespace, name, reason, message, cloudEvent, id: `${cloudEvent.id}/${reason}` }, deps);
  return { kind: "dead", code: reason, reason: message };
}

/** Names become subject tokens: what is none goes where the nameless are kept. */
function label(text: string): string {
  return DNS_LABEL.test(text) && text.length <= 63 ? text : "unknown";
}
