import { expect, it } from "vitest";
import { afterCommand } from "./leading.ts";

const knows = (command: string, flag: string) => command === "get" && flag !== "--context";

it.each([
  [
    ["-n", "a", "get", "runs"],
    ["get", "-n", "a", "runs"],
  ],
  [
    ["--namespace=a", "-ojson", "get", "-A"],
    ["get", "--namespace=a", "-ojson", "-A"],
  ],
  [
    ["--no-color", "--context", "x", "get"],
    ["get", "--no-color"],
  ],
  [["-n", "a", "up"], ["up"]],
  [["-n", "a"], []],
  [["-n"], []],
  [
    ["get", "-n", "a"],
    ["get", "-n", "a"],
  ],
  [["--help"], ["--help"]],
  [
    ["-n", "get", "get"],
    ["get", "-n", "get"],
  ],
])("%j is read as %j", (argv, expected) => {
  expect(afterCommand(argv, knows)).toEqual(expected);
});
