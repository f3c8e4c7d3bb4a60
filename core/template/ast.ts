/** The tree of a template, as text/template/parse builds it. `at` is an offset into the source, for faults. */
export type Node =
  | { kind: "text"; at: number; text: string }
  | { kind: "action"; at: number; pipe: Pipe }
  | { kind: "if" | "with" | "range"; at: number; pipe: Pipe; body: readonly Node[]; otherwise: readonly Node[] }
  | { kind: "break" | "continue"; at: number };

export type BranchNode = Extract<Node, { kind: "if" | "with" | "range" }>;

/** `$a, $b := command | command`; `assign` tells `=` from `:=`. */
export type Pipe = {
  kind: "pipe";
  at: number;
  names: readonly string[];
  assign: boolean;
  commands: readonly Command[];
};

/** The first operand is a function with its arguments behind it, or a value that stands alone. */
export type Command = { at: number; head: Operand; args: readonly Operand[] };

export type Operand =
  | { kind: "constant"; at: number; value: boolean | bigint | number | string }
  | { kind: "nil"; at: number }
  | { kind: "dot"; at: number }
  | { kind: "field"; at: number; names: readonly string[] }
  | { kind: "variable"; at: number; name: string; names: readonly string[] }
  | { kind: "chain"; at: number; base: Operand; names: readonly string[] }
  | { kind: "function"; at: number; name: string }
  | Pipe;
