/** What a command may touch of the process it runs in; `main.ts` fills it, tests pass another one. */
import type { Style } from "./render/style.ts";

export type Io = {
  /** Results: what a script would read. */
  readonly out: (text: string) => void;
  /** All else: progress, hints, errors. */
  readonly err: (text: string) => void;
  /** Of what goes to `err`. */
  readonly style: Style;
  /** Of what goes to `out`: plain where a file or a pipe reads it. */
  readonly outStyle: Style;
  /** Stderr is a terminal, so progress may be repainted. */
  readonly live: boolean;
  /** Stdout is a terminal, so text of models is made safe before it is printed. */
  readonly outIsTerminal: boolean;
  readonly columns: () => number;
  readonly rows: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly now: () => number;
  readonly readStdin: () => Promise<string>;
  /** Aborted by Ctrl-C, SIGTERM, or a reader that went away. */
  readonly signal: AbortSignal;
};
