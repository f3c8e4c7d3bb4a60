/** The JSON in an answer: the whole of it, or its one fenced block (api 11, E23). */

export type AnswerJson =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "none"; readonly reason: string };

export function answerJson(answer: string): AnswerJson {
  const whole = parse(answer);
  if (whole !== undefined) return whole;
  const blocks = fencedBlocks(answer);
  if (blocks.length > 1) return { kind: "none", reason: `the answer holds ${blocks.length} fenced blocks, not one` };
  const [block] = blocks;
  if (block === undefined) return { kind: "none", reason: "the answer is not JSON" };
  return parse(block) ?? { kind: "none", reason: "the fenced block of the answer is not JSON" };
}

function parse(text: string): AnswerJson | undefined {
  try {
    return { kind: "json", value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const FENCE = /^\s{0,3}(`{3,}|~{3,})(.*)$/;

/** CommonMark 0.31, 4.5: a block ends at a fence of its own kind, at least as long, with nothing behind it. */
function fencedBlocks(text: string): string[] {
  const blocks: string[] = [];
  let open: { readonly fence: string; readonly lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, fence, info] = FENCE.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) open = { fence, lines: [] };
    } else if (fence?.startsWith(open.fence) === true && (info ?? "").trim() === "") {
      blocks.push(open.lines.join("\n"));
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  return open === undefined ? blocks : [...blocks, open.lines.join("\n")];
}
