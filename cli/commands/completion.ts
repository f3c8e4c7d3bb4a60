/** `ark completion bash|zsh|fish`: prints the script that the shell sources. */
import type { Command } from "commander";
import { completionScript, SHELLS } from "../completion.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { usage } from "../options.ts";

export function completion(program: Command, name: string, io: Io): number {
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined)
    throw usage(`there is no completion for ${JSON.stringify(name)}`, `Ask for one of ${SHELLS.join(", ")}.`);
  io.out(completionScript(program, shell));
  return EXIT.done;
}
