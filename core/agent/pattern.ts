/** RE2 patterns: linear in the text, so that no answer can stall the executor. */

export type Pattern = {
  readonly source: string;
  readonly test: (text: string) => boolean;
  /** First group of the first match, the whole match without groups, or undefined. */
  readonly firstGroup: (text: string) => string | undefined;
};
export type CompiledPattern =
  | { readonly kind: "pattern"; readonly pattern: Pattern }
  | { readonly kind: "bad"; readonly reason: string };

export async function compilePattern(source: string): Promise<CompiledPattern> {
  const { RE2JS } = await import("re2js");
  try {
    const compiled = RE2JS.compile(source);
    return {
      kind: "pattern",
      pattern: {
        source,
        test: (text) => compiled.matcher(text).find(),
        firstGroup: (text) => {
          const matcher = compiled.matcher(text);
          if (!matcher.find()) return undefined;
          return matcher.group(matcher.groupCount() > 0 ? 1 : 0) ?? undefined;
        },
      },
    };
  } catch (error) {
    return { kind: "bad", reason: `${JSON.stringify(source)} is not an RE2 pattern: ${(error as Error).message}` };
  }
}
