/** How a handler tells its shell what became of an event (style: failure is a value). */
export type HandleOutcome =
  | { readonly kind: "done" }
  /** May pass: come again after `afterMs`. */
  | { readonly kind: "retry"; readonly afterMs: number; readonly reason: string }
  /** Never passes: recorded with its reason, settled, not delivered again. */
  | { readonly kind: "dead"; readonly code: string; readonly reason: string };
