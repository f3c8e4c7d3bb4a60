/** One thing that is looked at, and what was found: the words of `ark doctor`. */
import type { Kube } from "#platform/kube/client.ts";

export const SYSTEM = "ark-system";

export type Verdict = "ok" | "warn" | "fail";
export type Check = {
  /** Stable, for scripts. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly found: string;
  /** What to change; with every verdict but `ok`. */
  readonly change?: string;
};

export const ok = (name: string, found: string): Check => ({ name, verdict: "ok", found });
export const warn = (name: string, found: string, change: string): Check => ({ name, verdict: "warn", found, change });
export const fail = (name: string, found: string, change: string): Check => ({ name, verdict: "fail", found, change });

export type Look =
  | { readonly kind: "found"; readonly body: unknown }
  | { readonly kind: "absent" }
  /** Refused: no right to look. */
  | { readonly kind: "hidden"; readonly why: string };

/** Throws what `Kube.request` throws. */
export async function look(kube: Kube, path: string): Promise<Look> {
  const { status, body } = await kube.request({ method: "GET", path });
  if (status === 200) return { kind: "found", body };
  if (status === 404) return { kind: "absent" };
  const said = typeof body === "object" && body !== null && "message" in body ? String(body.message) : `HTTP ${status}`;
  return { kind: "hidden", why: said };
}

/** What a user who may not look is told: the check is open, and not a fault. */
export function unseen(name: string, why: string): Check {
  return warn(name, `not checked: ${why}`, "Ask somebody who may read it to run `ark doctor`.");
}

export type Labels = Readonly<Record<string, string>>;
export type Meta = { readonly name?: string; readonly labels?: Labels; readonly annotations?: Labels };
export type Condition = { readonly type: string; readonly status: string; readonly message?: string };

export function conditionOf(body: unknown, type: string): Condition | undefined {
  const { status } = body as { status?: { conditions?: readonly Condition[] } };
  return status?.conditions?.find((condition) => condition.type === type);
}

export function messageOf(condition: Condition | undefined): string {
  return condition?.message ?? "no controller has looked at it";
}

/** `v1.35.4-eks-1` → [1, 35]; undefined for what is no version. */
export function versionOf(text: string): readonly [number, number] | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
}

export function isBelow(version: readonly [number, number], least: readonly [number, number]): boolean {
  return version[0] < least[0] || (version[0] === least[0] && version[1] < least[1]);
}
