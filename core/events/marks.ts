/**
 * Marks around step outputs in prompts: what stands inside is data, not instructions (api 11, E6).
 * They are put on when a prompt is built and nowhere else.
 */

/**
 * Opening and closing forms that could end or fake a block, however spaced and in any case. No two runs of spaces may
 * meet: on a text of many spaces that takes quadratic time, and any model can write one.
 */
const MARKS = /<(?=\s*(?:\/\s*(?:content|ark:step-output)|ark:step-output)(?![\w-]))/gi;

/** `name` is a step's name, hence a DNS label. No mark inside `text` survives as a mark. */
export function wrapStepOutput(name: string, text: string): string {
  const escaped = text.replace(MARKS, "&lt;");
  return `<ark:step-output name="${name}"><content>${escaped}</content></ark:step-output>`;
}
