/** Results on stdout in the form that `-o` asks for. */
import { stringify } from "yaml";
import type { Io } from "./io.ts";
import type { OutputFormat } from "./options.ts";
import { printable } from "./render/style.ts";

/** `text` is made only when it is wanted. */
export function printResult(io: Io, format: OutputFormat, value: unknown, text: () => string): void {
  if (format === "json") io.out(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === "yaml") io.out(stringify(value, { lineWidth: 0 }));
  else io.out(text());
}

/** Text of a model: as it is for a file or pipe, without control characters for a terminal; always ends its line. */
export function printOutput(io: Io, text: string): void {
  if (text === "") return;
  const shown = io.outIsTerminal ? printable(text) : text;
  io.out(shown.endsWith("\n") ? shown : `${shown}\n`);
}
