/**
 * The token that opens the record of a namespace's runs: Secret `ark-record-token` there, so that RBAC on that one name
 * says who reads turns. Nobody hands the operator a credential of the cluster (adr/0016).
 *
 * T1  Made once, when a namespace has its first team or run; never rotated unasked. Deleted by the user, it is made anew.
 * T2  What is known of a namespace is known for `KNOWN_MS`, and of so many namespaces at once: a wrong guess costs the API
 *     server one look, not one for each request.
 */
import type { Logger } from "#core/ports/log.ts";
import { RECORD_SECRET } from "#core/runs/record-secret.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import type { Children } from "#platform/kube/children.ts";
import { LABELS, MANAGED } from "./resources/names.ts";
import { tokenIn } from "./resources/token-secret.ts";

export type RecordTokens = {
  /** Sees to it that there is one. */
  ensure(namespace: string): Promise<void>;
};

type Clock = () => number;

const KNOWN_MS = 10_000;
const ENSURED_MS = 60_000;
const MAX_NAMESPACES = 1_000;

export function createRecordTokens(
  children: Pick<Children, "get" | "create">,
  { newToken, now, log }: { readonly newToken: () => string; readonly now: Clock; readonly log: Logger },
): RecordTokens {
  const ensured = remembering<true>(ENSURED_MS, now);
  return {
    async ensure(namespace) {
      if (ensured.get(namespace) !== undefined) return;
      const key = { namespace, name: RECORD_SECRET };
      if ((await children.get("Secret", key)) === undefined) {
        const labels = { ...MANAGED, [LABELS.namespace]: namespace };
        const secret = { metadata: { ...key, labels }, stringData: { token: newToken() } };
        const made = await children.create("Secret", secret);
        if (made.kind === "refused") return log.warn({ namespace, why: made.message }, "no token for the record");
      }
      ensured.set(namespace, true);
    },
  };
}

/** The digest of a namespace's token; undefined where it has none. */
export function recordDigests(
  children: Pick<Children, "get">,
  now: Clock,
): (namespace: string) => Promise<string | undefined> {
  const known = remembering<{ readonly digest: string | undefined }>(KNOWN_MS, now);
  return async (namespace) => {
    const before = known.get(namespace);
    if (before !== undefined) return before.digest;
    const secret = await children.get("Secret", { namespace, name: RECORD_SECRET });
    const token = secret === undefined ? undefined : tokenIn(secret);
    const digest = token === undefined ? undefined : tokenDigest(token);
    known.set(namespace, { digest });
    return digest;
  };
}

/** T2. */
function remembering<T>(forMs: number, now: Clock) {
  const entries = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get: (key: string): T | undefined => {
      const entry = entries.get(key);
      return entry !== undefined && entry.until > now() ? entry.value : undefined;
    },
    set: (key: string, value: T): void => {
      if (entries.size >= MAX_NAMESPACES) entries.clear();
      entries.set(key, { value, until: now() + forMs });
    },
  };
}
