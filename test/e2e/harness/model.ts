/** The scripted model server of the cluster: what it was asked, and letting held answers go. */
import * as z from "zod";
import { MODEL } from "./names.ts";

const Asked = z.array(
  z.object({
    key: z.string().optional(),
    digest: z.string(),
    answered: z.boolean(),
    body: z.looseObject({ messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })) }),
  }),
);
type Asked = z.output<typeof Asked>;

/** Requests whose last message holds `text`, once there are `count` of them. */
export async function askedFor(text: string, count = 0): Promise<Asked> {
  const query = new URLSearchParams({ match: text, count: String(count) });
  const response = await fetch(`${MODEL.admin}/requests?${query.toString()}`, { signal: AbortSignal.timeout(180_000) });
  const found = Asked.parse(await response.json());
  if (found.length < count) throw new Error(`the model was asked for "${text}" ${found.length} times, not ${count}`);
  return found;
}

const Calls = z.array(
  z.object({
    key: z.string(),
    answered: z.boolean(),
    usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).optional(),
  }),
);

/** Every request whose idempotency key begins so, with what its answer cost. */
export async function callsOf(prefix: string): Promise<z.output<typeof Calls>> {
  const query = new URLSearchParams({ key: prefix });
  const response = await fetch(`${MODEL.admin}/calls?${query.toString()}`, { signal: AbortSignal.timeout(30_000) });
  return Calls.parse(await response.json());
}

export async function release(name: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  await fetch(`${MODEL.admin}/release/${name}`, { method: "POST", signal });
}
