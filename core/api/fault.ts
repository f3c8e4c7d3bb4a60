/** What is wrong with an object, and where. */
export type Fault = {
  /** `spec.pipeline[1].dependsOn[0]`; empty: the whole document. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
};

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;

/** Keys that would read as something else stand in quotes: `spec.input["a.b"]`. */
export function pathText(place: readonly PropertyKey[]): string {
  let text = "";
  for (const part of place) {
    if (typeof part === "number") text += `[${part}]`;
    else if (PLAIN_KEY.test(String(part))) text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

const PART = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g;

/** The place that `pathText` made a text of. */
export function placeOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(PART)].map(([, index, quoted, name = ""]) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? name : String(JSON.parse(quoted));
  });
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word that was probably meant: same letters in another case, a few letters off, or the start of it. */
function meant(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const scored = known
    .map((name) => ({ name, off: distance(lower, name.toLowerCase()) }))
    .toSorted((a, b) => a.off - b.off);
  const [best] = scored;
  if (best !== undefined && best.off <= Math.max(1, Math.floor(word.length / 3))) return best.name;
  return known.find((name) => word.length >= 3 && name.toLowerCase().startsWith(lower));
}

export function didYouMean(word: unknown, known: readonly string[]): { readonly hint?: string } {
  const name = typeof word === "string" ? meant(word, known) : undefined;
  return name === undefined ? {} : { hint: `did you mean ${name}?` };
}

/** The same place twice is one fault: the first says it best. */
export function oncePerPlace(faults: readonly Fault[]): readonly Fault[] {
  const paths = new Set<string>();
  return faults.filter(({ path }) => !paths.has(path) && paths.add(path));
}
