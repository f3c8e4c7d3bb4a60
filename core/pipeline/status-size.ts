/** Bounds the texts of a status (V2): an API server refuses objects above about 1.5 MiB, and people read beginnings. */
import type { StepStatus } from "#core/api/v1alpha1/ark-run.ts";
import { cut } from "#core/events/text.ts";

/** UTF-16 units of all step outputs together: under 256 KiB of a status in any usual script. */
const BUDGET = 160 * 1024;
const LEAST = 200;

/** Texts within a fair share stay whole; JSON that would be cut is left out, since a part of it is no JSON. */
export function fitTexts(steps: readonly StepStatus[]): StepStatus[] {
  const sizes = steps.flatMap(({ output = "", outputJSON = "" }) => [output.length, outputJSON.length]);
  const share = fairShare(sizes);
  return steps.map((step) => {
    const { output, outputJSON, ...rest } = step;
    return {
      ...rest,
      ...(output !== undefined && { output: shortened(output, share) }),
      ...(outputJSON !== undefined && outputJSON.length <= share && { outputJSON }),
    };
  });
}

/** The largest bound under which all sizes, each cut at it, fit together. */
function fairShare(sizes: readonly number[]): number {
  let left = BUDGET;
  const ordered = [...sizes].sort((a, b) => a - b);
  for (const [i, size] of ordered.entries()) {
    const share = Math.floor(left / (ordered.length - i));
    if (size > share) return Math.max(share, LEAST);
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : cut(text, length - 1);
}
