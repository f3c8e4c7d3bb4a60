/** Port of semantic readiness: the instances of an agent share one answer to one question (D26). */
import type { AgentId } from "./services.ts";

/** `unknown`: the model gave no answer; whoever knew one goes on by that. */
export type Verdict = "healthy" | "unhealthy" | "unknown";

export type Looked =
  | { readonly kind: "known"; readonly verdict: Verdict }
  /** Another instance is asking. */
  | { readonly kind: "asked" }
  /** Nobody has asked of late: the caller does, and nobody else until it has told, given back, or fallen silent. */
  | { readonly kind: "ours"; readonly turn: ProbeTurn };

export type ProbeTurn = {
  /** Names the question: another one in each turn. */
  readonly id: string;
  /** All instances go by it, and nobody asks, for `freshMs`; without effect when another instance has told since. */
  tell(verdict: Verdict, freshMs: number): Promise<void>;
  /** Nothing was learnt: the next one may ask at once. */
  giveBack(): Promise<void>;
};

export interface Probes {
  /** `question`: all that the answer depends on; another question has a verdict of its own. */
  look(agent: AgentId, question: string): Promise<Looked>;
}

/** Milliseconds since the epoch. `failedAt`: a question after `at` that the model gave no answer to. */
export type ProbeAnswer =
  | { readonly healthy: boolean; readonly at: number; readonly failedAt?: number }
  | { readonly healthy?: never; readonly at?: never; readonly failedAt: number };

/** For people: what an agent said last, also while it sleeps. */
export interface ProbeAnswers {
  last(agent: AgentId): Promise<ProbeAnswer | undefined>;
}
