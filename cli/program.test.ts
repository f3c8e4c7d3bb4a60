import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { ArkError } from "#core/errors.ts";
import type { Io } from "./io.ts";
import { runCli } from "./program.ts";
import { COLOR, PLAIN } from "./render/style.ts";

const unreachable = new ArkError("server.unreachable", "no server", "Start one.");

/** Runs a command line that needs no server; whatever asks for one is refused. */
async function ark(argv: readonly string[], cwd = "/", styles: Partial<Pick<Io, "style" | "outStyle">> = {}) {
  const written = { out: "", err: "" };
  const io: Io = {
    out: (text) => void (written.out += text),
    err: (text) => void (written.err += text),
    style: PLAIN,
    outStyle: PLAIN,
    ...styles,
    live: false,
    outIsTerminal: false,
    columns: () => 100,
    rows: () => 40,
    env: {},
    cwd,
    now: () => 0,
    readStdin: async () => "",
    signal: new AbortController().signal,
  };
  const code = await runCli(argv, io, {
    connect: () => Promise.reject(unreachable),
    running: async () => undefined,
    startLocal: () => Promise.reject(unreachable),
  });
  return { code, ...written };
}

it("colours go to the stream that is a terminal: a result that a file takes has none", async () => {
  const plan = ["run", "examples/blog-pipeline/ark.yaml", "--dry-run", "-i", "topic=owls"];
  const root = path.resolve(import.meta.dirname, "..");
  expect((await ark(plan, root, { style: COLOR })).out).not.toContain("\u001b");
  expect((await ark(plan, root, { outStyle: COLOR })).out).toContain("\u001b");
});

describe("exit codes and errors of api 14", () => {
  it.each([
    [["frob"], "error: usage: unknown command 'frob'\nnext: See `ark --help`.\n"],
    [[], "error: usage: a command is missing\nnext: See `ark --help`.\n"],
    [["trigger"], "error: usage: missing required argument 'name'\nnext: See `ark trigger --help`.\n"],
    [["status", "--frob"], "error: usage: unknown option '--frob'\nnext: See `ark status --help`.\n"],
    [["get", "runs", "-o", "xml"], /^error: usage: option '-o, --output <format>' argument 'xml' is invalid/],
    [
      ["completion", "tcsh"],
      'error: usage: there is no completion for "tcsh"\nnext: Ask for one of bash, zsh, fish.\n',
    ],
    [["up", "--port", "high"], /^error: usage: --port is "high"\nnext: /],
  ])("%j is bad usage: 2, on stderr, with a next step", async (argv, message) => {
    const { code, out, err } = await ark(argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    if (typeof message === "string") expect(err).toBe(message);
    else expect(err).toMatch(message);
  });

  it("ends with 3 when there is no server", async () => {
    const { code, err } = await ark(["status"]);
    expect(code).toBe(3);
    expect(err).toBe("error: server.unreachable: no server\nnext: Start one.\n");
  });

  it.each([[["--help"]], [["help"]], [["trigger", "--help"]], [["help", "run"]]])(
    "prints help on %j: 0",
    async (argv) => {
      const { code, out, err } = await ark(argv);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/^Usage: ark/);
    },
  );
});

it("D44: completions name every command and every flag of the program", async () => {
  const help = (await ark(["--help"])).out;
  const commands = [...help.matchAll(/^ {2}([a-z]+) .*/gm)].map((match) => match[1]).filter((name) => name !== "help");
  expect(commands.length).toBeGreaterThan(10);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out, code } = await ark(["completion", shell]);
    expect(code).toBe(0);
    for (const command of commands) expect(out).toContain(command);
    expect(out).toContain("idempotency-key");
  }
});

it("init writes a project that is valid, and never overwrites one unasked", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-init-"));
  try {
    expect((await ark(["init", "one"], folder)).code).toBe(0);
    const again = await ark(["init", "one"], folder);
    expect(again.code).toBe(2);
    expect(again.err).toContain("is there already; nothing was written");
    expect((await ark(["init", "one", "--force"], folder)).code).toBe(0);
    expect(await readFile(path.join(folder, "one", ".gitignore"), "utf8")).toBe(".ark/\n");
    const valid = await ark(["validate", "one", "--check-agents"], folder);
    expect(valid).toEqual({ code: 0, out: "ArkTeam writers\nArkEvent on-request\n", err: "valid: 2 objects\n" });
    const dry = await ark(["run", "one/team.yaml", "--dry-run", "-i", "topic=owls"], folder);
    expect(dry.code).toBe(0);
    expect(dry.out).toContain("Find three facts about owls.");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it("P10: a run with bad input is refused before anything is started", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "ark-run-"));
  try {
    await ark(["init", "."], folder);
    const missing = await ark(["run", "team.yaml"], folder);
    expect(missing.code).toBe(2);
    expect(missing.err).toBe("error: input.invalid: input.topic is required\nnext: Give it with --input topic=….\n");
    expect((await ark(["run", "team.yaml", "-i", "topic"], folder)).code).toBe(2);
    expect((await ark(["run", "none.yaml"], folder)).err).toMatch(/^error: manifest\.not_found: /);
    expect((await ark(["run", "team.yaml", "--team", "x"], folder)).err).toContain("holds no ArkTeam x");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it.each([
  [["-o", "json", "version"], /^\{/],
  [["--output=yaml", "version"], /^ark: /],
  [["-ojson", "-n", "ai-team", "--log-level", "debug", "version"], /^\{/],
  [["-o", "json", "version", "-o", "yaml"], /^ark: /],
  [["--version"], /^ark \d/],
])("%j: flags of every command may stand before it; what stands after it wins", async (argv, expected) => {
  const { code, out, err } = await ark(argv);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(expected);
});

it.each([
  ["trigger", "blog"],
  ["retry", "blog"],
  ["cancel", "r"],
  ["replay", "e"],
  ["status"],
  ["get", "runs"],
  ["logs", "r"],
  ["trace", "r"],
])("api 14: ark %s takes every form of output", async (...command) => {
  for (const format of ["text", "json", "yaml"]) expect((await ark([...command, "-o", format])).code).toBe(3);
});

it("a leading flag reaches the command: a bad value is bad usage, and the server is asked for", async () => {
  expect((await ark(["-o", "xml", "get", "runs"])).err).toMatch(/argument 'xml' is invalid/);
  expect((await ark(["-n", "ai-team", "--log-level", "debug", "status"])).code).toBe(3);
  expect((await ark(["--frob", "status"])).err).toMatch(/unknown option '--frob'/);
});

it("version says its own and its runtime's", async () => {
  const { out } = await ark(["version", "-o", "json"]);
  expect(JSON.parse(out)).toEqual({ ark: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node });
});
