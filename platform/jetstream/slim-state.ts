/**
 * Run states that fit into one message of the server, however much their steps put out.
 *
 * M1  A state above `limitBytes` is kept with its longer inline texts by reference, where they are `Text` as ever: who
 *     reads it back folds on as if nothing had happened.
 * M2  A text is stored once while its run is folded here, not once per write: texts keep their identity in the fold.
 */
import type { Text } from "#core/events/text.ts";
import type { RunState } from "#core/pipeline/state.ts";

/** A quarter of nats-server's default `max_payload`: room for what a run's spec may hold beside its texts. */
const LIMIT_BYTES = 256 * 1024;
/** Below this, a reference with its preview would save nothing. */
const SHORT_CHARS = 4_000;

type Keep = (of: RunState, text: string) => Promise<Text>;

/** Gives the state that is stored in place of one. */
export function slimmer(keep: Keep, limitBytes: number = LIMIT_BYTES): (state: RunState) => Promise<RunState> {
  const kept = new WeakMap<object, Promise<Text>>();
  const reference = (of: RunState, text: Inline): Promise<Text> => {
    const known = kept.get(text) ?? keep(of, text.inline);
    kept.set(text, known);
    // A store that was away is asked again.
    known.catch(() => kept.delete(text));
    return known;
  };
  return async (state) => {
    if (Buffer.byteLength(JSON.stringify(state)) <= limitBytes) return state;
    const own = (text: Inline) => reference(state, text);
    const [steps, phase] = await Promise.all([slim(state.steps, own), slim(state.phase, own)]);
    return { ...state, steps, phase };
  };
}

type Inline = { readonly inline: string };

/** Texts stand at several places of a step (result, answer before a retry): all of them are looked for alike. */
async function slim<T>(value: T, reference: (text: Inline) => Promise<Text>): Promise<T> {
  if (typeof value !== "object" || value === null) return value;
  if (isInline(value)) return (value.inline.length < SHORT_CHARS ? value : await reference(value)) as T;
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, part]): Promise<[string, unknown]> => [key, await slim(part, reference)]),
  );
  return (Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries)) as T;
}

function isInline(value: object): value is Inline {
  return "inline" in value && typeof value.inline === "string";
}
