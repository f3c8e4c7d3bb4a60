/** Documents of one file, each with the lines of its fields. */
import { placeOf } from "#core/api/fault.ts";
import { isJsonObject } from "#core/json.ts";
import { isMap, isNode, LineCounter, parseAllDocuments, type Document } from "yaml";

/** What is wrong with a manifest, and where: `path` is the field's, e.g. `spec.pipeline[1].role`. */
export type ManifestFault = {
  readonly file: string;
  readonly line?: number;
  readonly path?: string;
  readonly message: string;
  readonly hint?: string;
  /** There is nothing to read under this name. */
  readonly absent?: boolean;
};

export type ManifestDocument = {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Line of a field, by its path; the nearest enclosing field's where it is absent. */
  readonly lineOf: (path: string) => number;
};

const MAX_ALIASES = 100;

/** A document that cannot be read is a fault; the others of the file stand. */
export function parseText(file: string, text: string, faults: ManifestFault[]): ManifestDocument[] {
  const lines = new LineCounter();
  const documents: ManifestDocument[] = [];
  for (const document of parseAllDocuments(text, { lineCounter: lines, prettyErrors: true })) {
    const [error] = document.errors;
    if (error !== undefined) {
      faults.push({
        file,
        line: lines.linePos(error.pos[0]).line,
        message: `not valid YAML: ${firstLine(error.message)}`,
      });
      continue;
    }
    const read = valueOf(document);
    if (read.kind === "refused") {
      faults.push({ file, line: lineOf(document, "", lines), message: `not valid YAML: ${read.why}` });
      continue;
    }
    const { value } = read;
    if (value === null || value === undefined) continue;
    if (isJsonObject(value) && isMap(document.contents))
      documents.push({ file, value, lineOf: (at) => lineOf(document, at, lines) });
    else
      faults.push({
        file,
        line: lineOf(document, "", lines),
        message: "a manifest is an object with apiVersion, kind and metadata",
      });
  }
  return documents;
}

/** Aliases that grow beyond bounds, or that are their own ancestors, are found only when they are followed. */
function valueOf(
  document: Document,
): { readonly kind: "read"; readonly value: unknown } | { readonly kind: "refused"; readonly why: string } {
  try {
    return { kind: "read", value: document.toJS({ maxAliasCount: MAX_ALIASES }) };
  } catch (error) {
    return { kind: "refused", why: error instanceof Error ? error.message : String(error) };
  }
}

/** The line of the field, or of the nearest field around it that is there. */
function lineOf(document: Document, at: string, lines: LineCounter): number {
  const tokens = placeOf(at);
  for (let length = tokens.length; length >= 0; length--) {
    const node: unknown = document.getIn(tokens.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** Without the place, which stands in front already. */
function firstLine(text: string): string {
  return (text.split("\n")[0] ?? text).replace(/ at line \d+, (column \d+):$/, " ($1)");
}
