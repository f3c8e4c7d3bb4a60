/** Agents and teams may use so much in any such time. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** A budget to reserve from before each model call (P6): key in `ark-budgets`, limit in tokens. */
export type BudgetRef = { readonly key: string; readonly limit: number; readonly windowMs?: number };
