/** `stdio:` addresses: the command line of a server, split as a shell would, without its expansions. */
export type Command = { readonly command: string; readonly args: readonly string[] };

export function parseStdioUrl(url: string): Command | undefined {
  const line = url.slice("stdio:".length).replace(/^\/\//, "");
  const [command, ...args] = split(line);
  return command === undefined ? undefined : { command, args };
}

const PART = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|([^\s"'\\]+)|(\s+)/gs;

function split(line: string): string[] {
  const words: string[] = [];
  let isOpen = false;
  for (const match of line.matchAll(PART)) {
    const isSpace = match[5] !== undefined;
    if (!isSpace) words.push((isOpen ? (words.pop() ?? "") : "") + textOf(match));
    isOpen = !isSpace;
  }
  return words;
}

function textOf([, double, single, escaped, plain]: RegExpMatchArray): string {
  return double?.replace(/\\(["\\])/g, "$1") ?? single ?? escaped ?? plain ?? "";
}
