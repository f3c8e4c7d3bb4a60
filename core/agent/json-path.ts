/**
 * JSON paths as far as picking a part of an answer needs them: RFC 9535 names, indexes and wildcards
 * (`$.a.b`, `$['a b'][0]`, `$.items[-1]`, `$.items[*].name`); the leading `$` may be left out.
 */
type Segment =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" };

export type JsonPath = readonly Segment[];

const SEGMENT =
  /\.?\[(?:(-?\d+)|(\*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]|\.(\*)|\.([\p{L}_$][\p{L}\p{N}_$-]*)/uy;

/** Undefined when `text` is no such path: then it is meant as a pattern. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const source = text.trim().replace(/^\$/, "");
  const start = /^[.[]/.test(source) || source === "" ? source : `.${source}`;
  const segments: Segment[] = [];
  SEGMENT.lastIndex = 0;
  let end = 0;
  for (let match = SEGMENT.exec(start); match !== null; match = SEGMENT.exec(start)) {
    segments.push(toSegment(match));
    end = SEGMENT.lastIndex;
  }
  return end === start.length ? segments : undefined;
}

function toSegment([, index, star, single, double, dotStar, name]: RegExpExecArray): Segment {
  if (index !== undefined) return { kind: "index", index: Number(index) };
  if (star !== undefined || dotStar !== undefined) return { kind: "all" };
  return { kind: "name", name: name ?? (single ?? double ?? "").replace(/\\(.)/gu, "$1") };
}

/** What the path leads to, in order; empty when it leads nowhere. */
export function selectJson(path: JsonPath, value: unknown): readonly unknown[] {
  return path.reduce<readonly unknown[]>((nodes, segment) => nodes.flatMap((node) => children(segment, node)), [value]);
}

function children(segment: Segment, node: unknown): readonly unknown[] {
  if (typeof node !== "object" || node === null) return [];
  if (segment.kind === "all") return Array.isArray(node) ? node : Object.values(node);
  if (segment.kind === "index") {
    const found: unknown = Array.isArray(node) ? node.at(segment.index) : undefined;
    return found === undefined ? [] : [found];
  }
  const known = !Array.isArray(node) && Object.hasOwn(node, segment.name);
  return known ? [(node as Record<string, unknown>)[segment.name]] : [];
}
