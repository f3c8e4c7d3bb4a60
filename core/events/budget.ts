/** A budget to reserve from before each model call (P6): key in `ark-budgets`, limit in tokens. */
export type BudgetRef = { readonly key: string; readonly limit: number; readonly windowMs?: number };
