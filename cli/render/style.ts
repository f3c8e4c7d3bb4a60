/** Colours, widths and safe text for terminals. Pure: what the terminal can do is a parameter. */

type Paint = (text: string) => string;
export type Style = {
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
  readonly dim: Paint;
  readonly bold: Paint;
};

const plain: Paint = (text) => text;
const sgr =
  (open: number, close: number): Paint =>
  (text) =>
    `\u001b[${open}m${text}\u001b[${close}m`;

export const PLAIN: Style = { red: plain, green: plain, yellow: plain, cyan: plain, dim: plain, bold: plain };
export const COLOR: Style = {
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
  dim: sgr(2, 22),
  bold: sgr(1, 22),
};

// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text of models and servers without control characters: printing it cannot move the cursor or change the title. */
export function printable(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(CONTROL, "\uFFFD");
}

/** One line of `text`: line breaks and tabs become spaces. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, " ").trim();
}

const SEGMENTS = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function charWidth(char: string): number {
  if (/^\p{M}/u.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** Columns that uncoloured `text` takes on a terminal. */
export function width(text: string): number {
  let sum = 0;
  for (const { segment } of SEGMENTS.segment(text)) sum += charWidth(segment);
  return sum;
}

export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** `text` in at most `columns`, its end replaced by `…` when it is longer. */
export function truncate(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of SEGMENTS.segment(text)) {
    used += charWidth(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : "";
}
