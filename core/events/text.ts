/** Text that a fact, a task or a state carries: inline while short, else by reference into `ark-outputs`. */
export const INLINE_LIMIT_BYTES = 32 * 1024;

/** `digest` is `sha256:<hex>`; `preview` the first characters, for people. */
export type TextRef = { readonly digest: string; readonly bytes: number; readonly preview: string };
export type Text = { readonly inline: string } | { readonly ref: TextRef };

export const PREVIEW_CHARS = 2_000;

/** What people are shown: the whole text, or its beginning. */
export function previewOf(text: Text): string {
  return "inline" in text ? text.inline : text.ref.preview;
}

/** At most `chars` units of UTF-16; never half of a character. */
export function beginningOf(text: string, chars: number): string {
  return text.slice(0, chars).replace(/[\uD800-\uDBFF]$/, "");
}

/** The whole text, or its beginning with an ellipsis behind it. */
export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${beginningOf(text, chars)}…`;
}
