/**
 * Mistakes that Go finds only when it executes the action, found at compile time: they can never render.
 * A wrong number of arguments, arguments for a value that is no function, `nil` as a command.
 */
import type { Command, Node, Operand, Pipe } from "./ast.ts";
import { Failure } from "./fault.ts";
import { builtIn } from "./builtins/table.ts";

export function checkNodes(nodes: readonly Node[]): void {
  for (const node of nodes) {
    if ("pipe" in node) checkPipe(node.pipe);
    if ("body" in node) {
      checkNodes(node.body);
      checkNodes(node.otherwise);
    }
  }
}

function checkPipe(pipe: Pipe): void {
  pipe.commands.forEach((command, stage) => checkCommand(command, stage > 0));
}

function checkCommand({ at, head, args }: Command, isPiped: boolean): void {
  const given = args.length + (isPiped ? 1 : 0);
  if (head.kind === "nil") throw new Failure("nil is not a command", at);
  if (head.kind === "function") checkCount(head.name, given, at);
  else if (given > 0) throw new Failure("can't give an argument to a value that is no function", at);
  checkOperand(head, true);
  for (const arg of args) checkOperand(arg, false);
}

/** Inside an operand a function stands without arguments. */
function checkOperand(operand: Operand, isHead: boolean): void {
  if (operand.kind === "pipe") checkPipe(operand);
  if (operand.kind === "chain") checkOperand(operand.base, false);
  if (operand.kind === "function" && !isHead) checkCount(operand.name, 0, operand.at);
}

function checkCount(name: string, given: number, at: number): void {
  const { min, max } = builtIn(name) ?? { min: 1, max: Number.POSITIVE_INFINITY };
  if (given >= min && given <= max) return;
  const wanted = min === max ? `${min}` : given < min ? `at least ${min}` : `at most ${max}`;
  throw new Failure(`wrong number of arguments for ${name}: want ${wanted}, got ${given}`, at);
}
