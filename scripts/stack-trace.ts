/**
 * Stack traces of the bundles by source: `npm run bundle && node scripts/stack-trace.ts < LOG`, on the commit that the
 * image was built from. The images hold no maps and Node looks for none: at its first stack trace it would decode a whole
 * one and keep it.
 */
import { readFile } from "node:fs/promises";
import { SourceMap, type SourceMapPayload, type SourceOrigin } from "node:module";
import * as path from "node:path";
import { text } from "node:stream/consumers";

const ROOT = path.resolve(import.meta.dirname, "..");

/** `file:///app/executor/main.js:3:1042`, also where it is part of a JSON text. */
const PLACE = /(?:file:\/\/)?[^\s"'()\\]*\/([\w-]+)\/([\w.-]+\.js):(\d+):(\d+)/g;

/** Each place of which `dist` has the map by its file of the sources, line and column; the others as they are. */
export async function bySource(log: string, dist: string): Promise<string> {
  const maps = new Map<string, SourceMap | undefined>();
  for (const [, name = "", file = ""] of log.matchAll(PLACE)) {
    const at = path.join(dist, name, file);
    if (!maps.has(at)) maps.set(at, await mapOf(at));
  }
  return log.replaceAll(PLACE, (place, name: string, file: string, line: string, column: string) => {
    const at = path.join(dist, name, file);
    const origin: Partial<SourceOrigin> = maps.get(at)?.findOrigin(Number(line), Number(column)) ?? {};
    if (origin.fileName === undefined) return place;
    const source = path.relative(ROOT, path.resolve(path.dirname(at), origin.fileName));
    return `${source}:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

async function mapOf(file: string): Promise<SourceMap | undefined> {
  const json = await readFile(`${file}.map`, "utf8").catch(() => undefined);
  return json === undefined ? undefined : new SourceMap(JSON.parse(json) as SourceMapPayload);
}

if (import.meta.main) process.stdout.write(await bySource(await text(process.stdin), path.join(ROOT, "dist")));
