/** Lines of JSON from a response that may never end. */
const MAX_LINE_CHARS = 64 * 1024 * 1024;

/** Yields each parsed line; throws on a line above the limit or one that is not JSON. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  // Pieces of the line that has begun: joined once, since a line may be megabytes in thousands of chunks.
  let begun: string[] = [];
  let chars = 0;
  for await (const chunk of body) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    begun.push(first);
    chars += first.length;
    if (chars > MAX_LINE_CHARS) throw new Error(`a line of the server is longer than ${MAX_LINE_CHARS} characters`);
    const last = others.pop();
    if (last === undefined) continue;
    for (const line of [begun.join(""), ...others]) if (line.trim() !== "") yield JSON.parse(line);
    begun = [last];
    chars = last.length;
  }
  const rest = begun.join("") + decoder.decode();
  if (rest.trim() !== "") yield JSON.parse(rest);
}
