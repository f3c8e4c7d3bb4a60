/** Lines of JSON from a response that may never end. */
const MAX_LINE_CHARS = 16 * 1024 * 1024;

/** Yields each parsed line; throws on a line above the limit or one that is not JSON. */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > MAX_LINE_CHARS)
      throw new Error(`a line of the server is longer than ${MAX_LINE_CHARS} characters`);
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield JSON.parse(rest);
}
