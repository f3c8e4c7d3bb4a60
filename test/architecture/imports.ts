/** What every source file imports, read from its syntax tree: a type, a value, or lazily by `import()`. */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { parseAst } from "rolldown/parseAst";

export type Import = {
  /** Paths are relative to the repository's root, with `/`. */
  readonly from: string;
  /** A file of the repository, `node:x`, or the name of a package. */
  readonly to: string;
  readonly kind: "type" | "value" | "lazy";
};

export type Source = {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Uses `process.env` itself, however it is spelled. */
  readonly readsEnv: boolean;
};

export const ROOT = path.join(import.meta.dirname, "..", "..");

export type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Every `.ts` file below these folders of the root; a folder that is absent has none. */
export async function readSources(folders: readonly string[]): Promise<Source[]> {
  const found: Source[] = [];
  for (const folder of folders) {
    const entries = await readdir(path.join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const file = path.relative(ROOT, path.join(entry.parentPath, entry.name)).split(path.sep).join("/");
      if (!file.includes("node_modules/")) found.push(parseSource(file, await readFile(path.join(ROOT, file), "utf8")));
    }
  }
  return found.toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

export function parseSource(file: string, text: string): Source {
  const imports: Import[] = [];
  let readsEnv = false;
  const add = (specifier: unknown, kind: Import["kind"]) => {
    if (typeof specifier === "string") imports.push({ from: file, to: resolve(file, specifier), kind });
  };
  walk(parseAst(text, { lang: "ts" }), (node) => {
    const source = isNode(node["source"]) ? node["source"]["value"] : undefined;
    if (node.type === "ImportDeclaration") add(source, importKind(node, "importKind"));
    else if (node.type === "ExportNamedDeclaration" || node.type === "ExportAllDeclaration") {
      add(source, importKind(node, "exportKind"));
    } else if (node.type === "ImportExpression") add(source, "lazy");
    else if (node.type === "TSImportType") add(source, "type");
    readsEnv ||= isProcessEnv(node);
  });
  return { file, text, imports, readsEnv };
}

/** Files that import one another in a ring, by whatever kind of import, the first one again at the end; or undefined. */
export function cycleOf(sources: readonly Source[]): readonly string[] | undefined {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const cleared = new Set<string>();
  const above: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (above.includes(file)) return [...above.slice(above.indexOf(file)), file];
    if (cleared.has(file)) return undefined;
    above.push(file);
    for (const { to } of byFile.get(file)?.imports ?? []) {
      const found = visit(to);
      if (found !== undefined) return found;
    }
    above.pop();
    cleared.add(file);
    return undefined;
  };
  for (const { file } of sources) {
    const found = visit(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `import { type A }` leaves an import of the module behind under verbatimModuleSyntax, so it counts as a value. */
function importKind(node: Node, key: string): "type" | "value" {
  return node[key] === "type" ? "type" : "value";
}

/** `process.env`, `process["env"]`, `const { env } = process`, `import { env } from "node:process"`. */
function isProcessEnv(node: Node): boolean {
  if (node.type === "MemberExpression") return isName(node["object"], "process") && isName(node["property"], "env");
  if (node.type === "VariableDeclarator") return isName(node["init"], "process");
  return node.type === "ImportDeclaration" && isNode(node["source"]) && node["source"]["value"] === "node:process";
}

export function isName(value: unknown, name: string): boolean {
  return isNode(value) && (value["name"] === name || value["value"] === name);
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith("#")) return specifier.slice(1);
  if (specifier.startsWith(".")) return path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
  if (specifier.startsWith("node:")) return specifier;
  const words = specifier.split("/");
  return words.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

export function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (isNode(value)) {
    visit(value);
    for (const child of Object.values(value)) if (typeof child === "object") walk(child, visit);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
