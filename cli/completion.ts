/** Completion scripts, made from the program itself, so that they name exactly what it takes (D44). */
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

type Entry = { readonly name: string; readonly about: string; readonly flags: readonly string[] };

function entriesOf(program: Command): readonly Entry[] {
  return program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: command.options.flatMap(({ short, long }) => [short, long].filter((flag) => typeof flag === "string")),
  }));
}

export function completionScript(program: Command, shell: Shell): string {
  const entries = entriesOf(program);
  switch (shell) {
    case "bash":
      return bash(entries);
    case "zsh":
      return `#compdef ark\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
    case "fish":
      return fish(entries);
  }
}

function bash(entries: readonly Entry[]): string {
  const names = entries.map((entry) => entry.name).join(" ");
  const cases = entries.map(({ name, flags }) => `    ${name}) words="${flags.join(" ")}" ;;`);
  return [
    "_ark() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    "  esac",
    `  if [ "$COMP_CWORD" -eq 1 ]; then words="${names}"; fi`,
    '  if [ -n "$words" ] && { [ "$COMP_CWORD" -eq 1 ] || [ "${current#-}" != "$current" ]; }; then',
    '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "  else",
    '    COMPREPLY=($(compgen -f -- "$current"))',
    "  fi",
    "}",
    "complete -o filenames -F _ark ark",
    "",
  ].join("\n");
}

function fish(entries: readonly Entry[]): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const lines = entries.flatMap(({ name, about, flags }) => [
    `complete -c ark -n __fish_use_subcommand -a ${name} -d ${quote(about)}`,
    ...flags
      .filter((flag) => flag.startsWith("--"))
      .map((flag) => `complete -c ark -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`),
  ]);
  return `${lines.join("\n")}\n`;
}
