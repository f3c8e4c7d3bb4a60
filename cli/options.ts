/** Reading what people type: the options of every command, key=value pairs, JSON, durations. Throws ArkError "usage". */
import { isJsonObject } from "#core/json.ts";
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { parseDuration } from "#core/duration.ts";
import { ArkError } from "#core/errors.ts";
import type { Io } from "./io.ts";

export type OutputFormat = "text" | "json" | "yaml";
/** On every command. */
export type CommonOptions = {
  readonly namespace: string;
  readonly output: OutputFormat;
  readonly serverData?: string;
};

export function usage(message: string, hint: string): ArkError {
  return new ArkError("usage", message, hint);
}

/** Node's timers count in 31 bits, and end a longer wait at once. */
const LONGEST_WAIT_MS = 24 * 24 * 3_600_000;

/** How long somebody waits. */
export function durationOption(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > LONGEST_WAIT_MS)
    throw usage(`${flag} is ${JSON.stringify(text)}, longer than anybody waits`, "Give at most 576h: 24 days.");
  if (ms !== undefined && ms > 0) return ms;
  throw usage(`${flag} is ${JSON.stringify(text)}, which is not a duration`, "Write one such as 90s, 5m or 1h30m.");
}

/** `k=v` pairs and JSON objects, later ones first; a value that is no string travels as JSON text (api 2, inputs). */
export function inputOption(texts: readonly string[]): Readonly<Record<string, string>> {
  const input: Record<string, string> = {};
  for (const text of texts) Object.assign(input, text.trimStart().startsWith("{") ? inputObject(text) : pair(text));
  return input;
}

function pair(text: string): Record<string, string> {
  const at = text.indexOf("=");
  if (at > 0) return { [text.slice(0, at)]: text.slice(at + 1) };
  throw usage(`--input ${JSON.stringify(text)} is neither key=value nor a JSON object`, "Write --input topic=owls.");
}

function inputObject(text: string): Record<string, string> {
  const value = parseJson("--input", text);
  if (!isJsonObject(value)) {
    throw usage("--input is JSON, but not an object", `Write --input '{"topic": "owls"}'.`);
  }
  const texts = Object.entries(value).map(([key, part]) => [
    key,
    typeof part === "string" ? part : JSON.stringify(part),
  ]);
  return Object.fromEntries(texts);
}

/** JSON text given as itself, as `@file`, or as `@-` for stdin; checked, and returned as written. */
export async function dataOption(flag: string, text: string, io: Io): Promise<string> {
  const json = await dataText(flag, text, io);
  parseJson(flag, json);
  return json;
}

async function dataText(flag: string, text: string, io: Io): Promise<string> {
  if (text === "@-") return io.readStdin();
  if (!text.startsWith("@")) return text;
  const file = path.resolve(io.cwd, text.slice(1));
  return readFile(file, "utf8").catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new ArkError("usage", `${flag} names a file that cannot be read: ${why}`, "Give the path of a JSON file.");
  });
}

export function parseJson(flag: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usage(`${flag} is not JSON: ${why}`, `Quote it for the shell: ${flag} '{"topic": "owls"}'.`);
  }
}

/** `a=b,c=d`, as `-l` of kubectl. */
export function labelsOption(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined || text === "") return {};
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [key = "", value, ...more] = part.split(/==?/);
      if (key === "" || value === undefined || more.length > 0) {
        throw usage(`-l ${JSON.stringify(text)} is not a list of key=value`, "Write -l arkonis.dev/team=blog.");
      }
      return [key.trim(), value.trim()];
    }),
  );
}
