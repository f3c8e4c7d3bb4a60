/** The page of all commands, made from the program itself, so that it cannot differ from `--help` (D44). */
import type { Io } from "./io.ts";
import { buildProgram } from "./program.ts";
import { PLAIN } from "./render/style.ts";

const COLUMNS = 100;

export function commandReference(): string {
  const deps = { connect: unused, running: unused, startLocal: unused };
  const program = buildProgram({ io: INERT, deps, done: unused });
  const pages = program.commands.map((command) => {
    const help = command.createHelp();
    help.helpWidth = COLUMNS;
    return `## ark ${command.name()}\n\n\`\`\`text\n${help.formatHelp(command, help).trimEnd()}\n\`\`\`\n`;
  });
  return `${["# Commands", EXIT_CODES, ...pages].join("\n\n").trimEnd()}\n`;
}

function unused(): never {
  throw new Error("the reference runs no command");
}

const INERT: Io = {
  out: unused,
  err: unused,
  style: PLAIN,
  outStyle: PLAIN,
  live: false,
  outIsTerminal: false,
  columns: () => COLUMNS,
  rows: () => Number.POSITIVE_INFINITY,
  env: {},
  cwd: "/",
  now: unused,
  readStdin: unused,
  signal: new AbortController().signal,
};

const EXIT_CODES = `Results stand on stdout, all else on stderr. An error names a code, says what is wrong in a sentence, and what to do next.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the run failed |
| 2 | bad usage or input |
| 3 | the server was not reached, or refused |
| 124 | timed out; the run goes on |
| 130 | interrupted |`;
