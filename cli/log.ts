/** The log of local mode as people read it, on stderr: time, level, message, fields. */
import type { Logger } from "#core/ports/log.ts";
import type { Io } from "./io.ts";
import { oneLine } from "./render/style.ts";

export const LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type Level = (typeof LEVELS)[number];

export function createLogger(io: Io, level: Level, fields: Readonly<Record<string, unknown>> = {}): Logger {
  const least = LEVELS.indexOf(level);
  const write = (of: Exclude<Level, "silent">) => (own: object, message: string) => {
    if (LEVELS.indexOf(of) < least) return;
    const time = new Date(io.now()).toISOString().slice(11, 19);
    io.err(`${io.style.dim(time)} ${paint(io, of)} ${oneLine(message)}${fieldsText({ ...fields, ...own }, io)}\n`);
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (more) => createLogger(io, level, { ...fields, ...more }),
  };
}

function paint({ style }: Io, level: Level): string {
  if (level === "error") return style.red(level);
  return level === "warn" ? style.yellow(`${level} `) : style.dim(level.padEnd(5));
}

function fieldsText(fields: Readonly<Record<string, unknown>>, io: Io): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${oneLine(valueText(value))}`);
  return parts.length === 0 ? "" : `  ${io.style.dim(parts.join(" "))}`;
}

/** Of an error the message: never a stack. */
function valueText(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "";
}
