/** Documents against the code: every error has its line, every link leads somewhere. */
import { readdir, readFile, stat } from "node:fs/promises";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./architecture/imports.ts";

const read = (file: string): Promise<string> => readFile(path.join(ROOT, file), "utf8");

/** Members of a union of string literals, as the source writes them. */
async function members(file: string, type: string): Promise<readonly string[]> {
  const source = await read(file);
  const union = new RegExp(`export type ${type} =([^;]+);`).exec(source)?.[1] ?? "";
  return [...union.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
}

/** Codes of the refusals of webhooks, routers and the record, and of those that every door has. */
async function problemCodes(): Promise<readonly string[]> {
  const own = ["functions/webhook/problems.ts", "functions/router/problems.ts", "operator/front/record.ts"];
  const doors = ["platform/http/app.ts", "operator/front/front.ts"];
  const [ours, all, raw] = await Promise.all([joined(own), joined(doors), read("platform/http/server.ts")]);
  const found = [
    ...ours.matchAll(/problem\(\s*\d{3},\s*"([^"]+)"/g),
    ...all.matchAll(/code: "([a-z-]+)"|problem\(answer, \d{3}, "([^"]+)"/g),
    ...raw.matchAll(/return \[\d{3}, "([^"]+)"/g),
  ];
  return found.map(([, code, other = ""]) => code ?? other);
}

async function joined(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(read))).join("\n");
}

/** Reasons that the dispatcher and the reaper give a dead letter. */
async function letterReasons(): Promise<readonly string[]> {
  const folder = "functions/dispatcher";
  const names = (await readdir(path.join(ROOT, folder))).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const sources = await joined([...names.map((name) => `${folder}/${name}`), "platform/jetstream/reaper.ts"]);
  const said = /(?:reason: |(?:bury|unreadable|undeliverable)\(|fail\(request, cloudEvent, )"([A-Z][A-Za-z]+)"/g;
  return [...new Set([...sources.matchAll(said)].map(([, reason = ""]) => reason))].filter((one) => !TOLD.has(one));
}

/** Reasons of Kubernetes Events, and what stands where nothing was said. */
const TOLD: ReadonlySet<string> = new Set(["Skipped", "DeadLettered", "Unknown"]);

/** Codes that the engine, the reaper and the end of an agent give a step themselves. */
async function engineCodes(): Promise<readonly string[]> {
  const stream = ["platform/jetstream/reaper.ts", "platform/jetstream/task-queues.ts"];
  const files = ["core/pipeline/advance.ts", "core/pipeline/outcomes.ts", ...stream];
  const sources = await joined(files);
  return [...sources.matchAll(/code: "([a-z_.]+)"/g)].map(([, code = ""]) => code);
}

function section(document: string, heading: string): string {
  const [, rest = ""] = document.split(`\n## ${heading}`);
  return rest.split("\n## ")[0] ?? "";
}

/** What the rows of its tables name: in the first cell, or in the third where the first one says a kind. */
function namedIn(text: string): ReadonlySet<string> {
  const rows = text.split("\n").filter((line) => line.startsWith("| `") || line.startsWith("| Ark"));
  const cells = rows.map((row) => (row.startsWith("| Ark") ? row.split("|")[3] : row.split("|")[1]) ?? "");
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name)));
}

describe("docs/errors.md has a line for each", () => {
  test.each<[heading: string, least: number, names: () => Promise<readonly string[]>]>([
    ["1 ", 18, () => members("core/errors.ts", "ErrorCode")],
    ["2 ", 11, () => members("core/pipeline/state.ts", "RunFailure")],
    ["3 ", 7, () => members("core/agent/ports.ts", "ProviderErrorCode")],
    ["3 ", 5, () => members("core/agent/ports.ts", "ToolErrorCode")],
    ["3 ", 6, () => members("core/agent/task.ts", "AgentErrorCode")],
    ["3 ", 4, () => members("core/agent/task.ts", "OutputErrorCode")],
    ["3 ", 5, engineCodes],
    ["4 ", 5, () => members("core/agent/unresolved.ts", "UnresolvedReason")],
    ["4 ", 4, () => members("core/pipeline/graph.ts", "PlanReason")],
    ["5 ", 21, problemCodes],
    ["6 ", 14, letterReasons],
  ])("table %s: at least %i names", async (heading, least, names) => {
    const documented = namedIn(section(await read("docs/errors.md"), heading));
    const wanted = await names();
    expect(wanted.length).toBeGreaterThanOrEqual(least);
    expect(wanted.filter((name) => !documented.has(name))).toEqual([]);
  });

  test("table 1 names no code that is gone", async () => {
    const codes = await members("core/errors.ts", "ErrorCode");
    expect([...namedIn(section(await read("docs/errors.md"), "1 "))].toSorted()).toEqual(codes.toSorted());
  });
});

describe("links", () => {
  test("every relative link of a document leads to a file, and to a heading of it", async () => {
    const documents = [
      "README.md",
      "CONTRIBUTING.md",
      ...(await markdownIn("docs")),
      ...(await markdownIn("examples")),
    ];
    const present: string[] = [];
    for (const file of documents) if (await exists(file)) present.push(file);
    const broken = await Promise.all(present.map(brokenLinks));
    expect(present.length).toBeGreaterThan(10);
    expect(broken.flat()).toEqual([]);
  });

  test("a link to nowhere is seen", async () => {
    expect(await leadsAstray("docs/errors.md", "no-such-file.md")).toBe(true);
    expect(await leadsAstray("docs/errors.md", "#no-such-heading")).toBe(true);
    expect(await leadsAstray("docs/errors.md", "cli.md#scripts")).toBe(false);
    expect(await leadsAstray("docs/errors.md", "https://example.com/")).toBe(false);
  });
});

describe("docs/architecture.md", () => {
  test("each promise names tests that are there", async () => {
    const table = section(await read("docs/architecture.md"), "Promises");
    const rows = [...table.matchAll(/^\| (P\d+) .*$/gm)];
    expect(rows.map(([, promise]) => promise)).toEqual(Array.from({ length: 10 }, (_, i) => `P${i + 1}`));
    const gone: string[] = [];
    for (const [row] of rows) {
      const named = [...row.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\)(?: "([^"]+)")?/g)];
      expect(named, row).not.toEqual([]);
      for (const [, file = "", name = ""] of named)
        if (!(await read(file)).includes(name)) gone.push(`${file}: ${name}`);
    }
    expect(gone).toEqual([]);
  });

  test("every stream and bucket has a row", async () => {
    const table = section(await read("docs/architecture.md"), "Streams and buckets");
    const source = await read("core/events/subjects.ts");
    const names = [...source.matchAll(/"(ARK_[A-Z]+|ark-[a-z]+)"/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !table.includes(`| \`${name}\` `))).toEqual([]);
  });
});

async function markdownIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(path.join(ROOT, folder), { recursive: true });
  return entries.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
}

async function brokenLinks(file: string): Promise<readonly string[]> {
  const text = withoutCode(await read(file)).replaceAll(/`[^`\n]+`/g, "");
  const broken: string[] = [];
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (await leadsAstray(file, target)) broken.push(`${file}: ${target}`);
  }
  return broken;
}

async function leadsAstray(from: string, link: string): Promise<boolean> {
  if (/^[a-z]+:/.test(link)) return false;
  const [target = "", heading] = link.split("#");
  const file = target === "" ? from : path.posix.join(path.posix.dirname(from), target);
  if (!(await exists(file))) return true;
  if (heading === undefined || !file.endsWith(".md")) return false;
  return !anchors(await read(file)).has(heading);
}

/** As the code host makes them of headings: lower case, blanks to dashes, other signs dropped. */
function anchors(markdown: string): ReadonlySet<string> {
  const headings = withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, words = ""]) =>
      words
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^( *)```[\s\S]*?^\1```/gm, "");
}

async function exists(file: string): Promise<boolean> {
  return stat(path.join(ROOT, file)).then(
    () => true,
    () => false,
  );
}
