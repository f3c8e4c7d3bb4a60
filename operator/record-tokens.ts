/**
 * The token that opens the record of a namespace's runs: Secret `ark-record-token` there, so that RBAC on that one name
 * says who reads turns. Nobody hands the operator a credential of the cluster (adr/0016).
 *
 * T1  Made once, when a namespace has its first agent, team or run; never rotated unasked. Deleted by the user, it is made
 *     anew while there is an agent, which is looked at again and again: no watch tells of a Secret (D43).
 * T2  What is known of a namespace is known for `KNOWN_MS`: a wrong guess costs the API server one look, not one for each
 *     request. Looks at namespaces that had no token when they were last looked at have a rate of their own, and their
 *     room is bounded: whoever names namespaces without end keeps nobody from those that have one.
 */
import type { Logger } from "#core/ports/log.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import type { RateLimit } from "#platform/http/exchange.ts";
import type { Children } from "#platform/kube/children.ts";
import { LABELS, MANAGED } from "./resources/names.ts";
import { tokenIn } from "./resources/token-secret.ts";

export type RecordTokens = {
  /** Sees to it that there is one. */
  ensure(namespace: string): Promise<void>;
};

type Clock = () => number;

const KNOWN_MS = 10_000;
const ENSURED_MS = 15_000;
const MAX_NAMESPACES = 1_000;
const MAX_WITH_TOKEN = 10_000;

export function createRecordTokens(
  children: Pick<Children, "get" | "create">,
  { newToken, now, log }: { readonly newToken: () => string; readonly now: Clock; readonly log: Logger },
): RecordTokens {
  const ensured = remembering<true>(ENSURED_MS, MAX_NAMESPACES, now);
  return {
    async ensure(namespace) {
      if (ensured.get(namespace) !== undefined) return;
      const key = { namespace, name: RECORD_SECRET };
      if ((await children.get("Secret", key)) === undefined) {
        const labels = { ...MANAGED, [LABELS.namespace]: namespace };
        const secret = { metadata: { ...key, labels }, stringData: { token: newToken() } };
        const made = await children.create("Secret", secret);
        if (made.kind === "refused") log.warn({ namespace, why: made.message }, "no token for the record");
      }
      ensured.set(namespace, true);
    },
  };
}

/** The digest of a namespace's token, undefined where it has none; `busy`: too many namespaces were asked for. */
export type RecordDigest =
  | { readonly kind: "known"; readonly digest: string | undefined }
  | { readonly kind: "busy"; readonly retryAfterSeconds: number };

/** T2. */
export function recordDigests(
  children: Pick<Children, "get">,
  { now, looks }: { readonly now: Clock; readonly looks: RateLimit },
): (namespace: string) => Promise<RecordDigest> {
  const withToken = remembering<string>(KNOWN_MS, MAX_WITH_TOKEN, now);
  const without = remembering<true>(KNOWN_MS, MAX_NAMESPACES, now);
  const looking = new Map<string, Promise<string | undefined>>();
  const look = async (namespace: string): Promise<string | undefined> => {
    const secret = await children.get("Secret", { namespace, name: RECORD_SECRET });
    const token = secret === undefined ? undefined : tokenIn(secret);
    if (token === undefined) {
      withToken.forget(namespace);
      without.set(namespace, true);
      return undefined;
    }
    const digest = tokenDigest(token);
    withToken.set(namespace, digest);
    return digest;
  };
  return async (namespace) => {
    const digest = withToken.get(namespace);
    if (digest !== undefined || without.get(namespace) !== undefined) return { kind: "known", digest };
    let answer = looking.get(namespace);
    if (answer === undefined) {
      const verdict = withToken.had(namespace) ? undefined : looks.take("");
      if (verdict?.kind === "refused") return { kind: "busy", retryAfterSeconds: verdict.retryAfterSeconds };
      answer = look(namespace).finally(() => looking.delete(namespace));
      looking.set(namespace, answer);
    }
    return { kind: "known", digest: await answer };
  };
}

function remembering<T>(forMs: number, atMost: number, now: Clock) {
  const entries = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get: (key: string): T | undefined => {
      const entry = entries.get(key);
      return entry !== undefined && entry.until > now() ? entry.value : undefined;
    },
    /** Also what is known no more. */
    had: (key: string): boolean => entries.has(key),
    set: (key: string, value: T): void => {
      entries.delete(key);
      for (const oldest of entries.keys()) {
        if (entries.size < atMost) break;
        entries.delete(oldest);
      }
      entries.set(key, { value, until: now() + forMs });
    },
    forget: (key: string): void => void entries.delete(key),
  };
}
