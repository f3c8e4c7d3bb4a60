/** Flags that stand before the command, as in `ark -n ai-team get runs`: they are read as if they stood after it. */
const WITH_VALUE = new Set([
  "-n",
  "--namespace",
  "-o",
  "--output",
  "--log-level",
  "--context",
  "--kubeconfig",
  "--server",
  "--server-data",
]);
const ALONE = new Set(["--no-color", "--local"]);

/** `knows` tells whether a command has a flag; one that it lacks says nothing to it, and is left out. */
export function afterCommand(
  argv: readonly string[],
  knows: (command: string, flag: string) => boolean,
): readonly string[] {
  const leading: (readonly string[])[] = [];
  let at = 0;
  for (let size = sizeAt(argv, at); size > 0; size = sizeAt(argv, at)) {
    leading.push(argv.slice(at, at + size));
    at += size;
  }
  const command = argv[at];
  if (command === "--version" || command === "-V") return ["version", ...argv.slice(at + 1)];
  if (command === undefined || command.startsWith("-")) return argv.slice(at);
  const known = leading.filter(([flag = ""]) => knows(command, flagOf(flag))).flat();
  return [command, ...known, ...argv.slice(at + 1)];
}

/** How many words the flag at `at` takes; 0 when there is none that may stand there. */
function sizeAt(argv: readonly string[], at: number): number {
  const word = argv[at] ?? "";
  if (ALONE.has(word)) return 1;
  if (!WITH_VALUE.has(flagOf(word))) return 0;
  return word.includes("=") || !WITH_VALUE.has(word) ? 1 : 2;
}

/** `--output` of `--output=json`, `-o` of `-ojson`. */
function flagOf(word: string): string {
  return word.startsWith("--") ? word.replace(/=.*$/s, "") : word.slice(0, 2);
}
