/**
 * The commands, their flags and their help: the one source of `--help`, of the completions and of docs/cli.md (D44).
 * Each command's code is loaded when it is called, so that `ark version` costs nothing but itself.
 */
import { Command, CommanderError, Option } from "commander";
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "./cluster.ts";
import { asArkError, errorText, EXIT, exitCodeOf } from "./exit.ts";
import type { Io } from "./io.ts";
import type { StartLocal } from "./local-host.ts";
import { afterCommand } from "./leading.ts";
import { LEVELS, type Level } from "./log.ts";
import type { CommonOptions } from "./options.ts";
import type { PlaceOptions } from "./place.ts";

export type CliDeps = {
  /** The server that the options and the environment name. */
  readonly connect: (options: PlaceOptions) => Promise<Cluster>;
  /** The same, when there is one. */
  readonly running: () => Promise<Cluster | undefined>;
  readonly startLocal: StartLocal;
};
type Run = (code: Promise<number> | number) => Promise<void>;
type Context = { readonly io: Io; readonly deps: CliDeps; readonly done: Run };

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** The exit code of api 14. Never rejects, never prints a stack. */
export async function runCli(argv: readonly string[], io: Io, deps: CliDeps): Promise<number> {
  let exit: number = EXIT.done;
  const done: Run = async (code) => {
    exit = await code;
  };
  const program = buildProgram({ io, deps, done });
  const words = afterCommand(argv, (name, flag) => hasFlag(program, name, flag));
  try {
    await program.parseAsync([...words], { from: "user" });
    return exit;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
    const error = thrown instanceof CommanderError ? usageError(thrown, program, words) : asArkError(thrown);
    io.err(errorText(error, io.style));
    return exitCodeOf(error);
  }
}

function hasFlag(program: Command, name: string, flag: string): boolean {
  const options = program.commands.find((command) => command.name() === name)?.options ?? [];
  return options.some(({ short, long }) => short === flag || long === flag);
}

/** Commander's own words, without its prefix, and where to look. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): ArkError {
  const known = program.commands.find((command) => command.name() === argv[0]);
  const help = known === undefined ? "ark --help" : `ark ${known.name()} --help`;
  const message = error.code === "commander.help" ? "a command is missing" : error.message.replace(/^error: /, "");
  return new ArkError("usage", message, `See \`${help}\`.`);
}

/** Actions use the context when they are called, and not before. */
export function buildProgram(context: Context): Command {
  const { io } = context;
  const program = new Command("ark")
    .description("Runs teams of LLM agents, on this machine or on Kubernetes.")
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: io.out, writeErr: () => {}, getOutHelpWidth: io.columns, outputError: () => {} })
    .helpCommand("help [command]", "show a command's flags")
    .addHelpText("after", "\nNamespace, output, log and cluster flags may stand before the command too.");
  addLocalCommands(program, context);
  addRunCommands(program, context);
  addLookCommands(program, context);
  addInstall(program, context);
  addDoctor(program, context);
  addProjectCommands(program, context);
  return program;
}

const TEXTS = ["text", "json", "yaml"] as const;

/** The flags of every command. */
function common(command: Command, formats: readonly string[] = TEXTS): Command {
  const output = new Option("-o, --output <format>", "form of the result").choices(formats).default(formats[0]);
  return command
    .option("-n, --namespace <name>", "namespace", "default")
    .addOption(output)
    .option("--no-color", "never colour");
}

/** The flags of a command that works on a cluster. */
function onCluster(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig")
    .option("--kubeconfig <file>", "kubeconfig (default: KUBECONFIG, else ~/.kube/config)");
}

/** The flags of a command that talks to a server; `connect.ts` has the rule. */
function served(command: Command, formats: readonly string[] = TEXTS): Command {
  const output = new Option("-o, --output <format>", "form of the result").choices(formats).default(formats[0]);
  const named = command
    .option("-n, --namespace <name>", "namespace (default: that of the context, else default)")
    .addOption(output)
    .option("--local", "the running `ark up`, never a cluster")
    .option("--server-data <dir>", "data folder of the `ark up` to talk to (default: the nearest .ark)");
  return onCluster(named)
    .option("--server <url>", "front door of the cluster (default: ARK_SERVER, else a port-forward)")
    .addOption(logLevel())
    .option("--no-color", "never colour");
}

/** Runs a command of `served` with the server that its flags name; a namespace that none names is the server's. */
function connected<O extends CommonOptions & { readonly logLevel: Level }>(
  context: Context,
  options: O,
  run: (cluster: Cluster, options: O) => Promise<number>,
): Promise<void> {
  const work = async () => {
    const [{ logged }, { createLogger }] = await Promise.all([import("./logged.ts"), import("./log.ts")]);
    const { io, deps } = context;
    const cluster = logged(await deps.connect(options), createLogger(io, options.logLevel), io.now);
    const { namespace = cluster.namespace } = options as Partial<CommonOptions>;
    return run(cluster, { ...options, namespace });
  };
  return context.done(work());
}

function provider(): Option {
  return new Option(
    "--provider <name>",
    "auto: by model name and API keys; mock: the built-in scripted model server",
  ).choices(["auto", "mock"]);
}

function logLevel(): Option {
  return new Option("--log-level <level>", "least level of the log on stderr").choices(LEVELS).default("warn");
}

function addLocalCommands(program: Command, { io, deps, done }: Context): void {
  program
    .command("up")
    .description("the whole system on this machine; changed files are read again")
    .option("-f, --file <file|dir>", "manifests, again for more; none: this folder", collect, [])
    .option("-p, --port <port>", "port on 127.0.0.1; 0: any", "8092")
    .option("--data <dir>", "data folder", ".ark")
    .addOption(provider().default("auto"))
    .addOption(logLevel())
    .option("--no-color", "never colour")
    .action((options) => done(import("./commands/up.ts").then(({ up }) => up(options, deps.startLocal, io))));
  common(program.command("run").argument("<file>", "manifest with the team, or a folder"))
    .description("one run, in a local instance of its own")
    .option("-t, --team <name>", "which team, when the file holds several")
    .option("-i, --input <k=v|json>", "input of the team, again for more", collect, [])
    .addOption(provider())
    .option("--model <name>", "ask this model in place of every other")
    .option("--max-tokens <n>", "most tokens of the run, whatever the team says")
    .option("--no-mcp", "without the agents' MCP servers")
    .option("--dry-run", "print plan, prompts and a token estimate; ask no model")
    .option("-w, --watch", "show the run until it has ended; it always is")
    .option("--timeout <duration>", "longest wait")
    .addOption(logLevel())
    .action((file: string, options) =>
      done(import("./commands/run.ts").then(({ run }) => run(file, options, deps, io))),
    );
}

function addRunCommands(program: Command, context: Context): void {
  const { io } = context;
  served(program.command("trigger").argument("<name>", "team, agent or event; event/NAME when names are alike"))
    .description("start a new run of a team or agent, or fire a webhook event")
    .option("-i, --input <k=v|json>", "input of the team, again for more", collect, [])
    .option("-d, --data <json|@file>", "body of the event")
    .option("--prompt <text>", "task of an agent")
    .option("--sync", "print the output alone, once the run has ended")
    .option("-w, --wait", "show the run until it has ended")
    .option("--watch", "the same as --wait")
    .option("--timeout <duration>", "longest wait", "60s")
    .option("--idempotency-key <key>", "the same key and body start the same runs only once")
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) => {
        const { trigger } = await import("./commands/trigger.ts");
        return trigger(cluster, name, { ...given, wait: given.wait ?? given.watch }, io);
      }),
    );
  served(program.command("retry").argument("<team|run>"))
    .description("a new run that keeps what succeeded and does the rest again")
    .option("-s, --step <name>", "again, though it succeeded, and what depends on it; again for more", collect, [])
    .option("-w, --wait", "show the run until it has ended")
    .option("--timeout <duration>", "longest wait", "10m")
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/retry.ts")).retry(cluster, name, given, io),
      ),
    );
  served(program.command("cancel").argument("<run>"))
    .description("stop a run")
    .option("-w, --wait", "until it has ended")
    .option("--timeout <duration>", "longest wait", "60s")
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/cancel.ts")).cancel(cluster, name, given, io),
      ),
    );
  served(program.command("replay").argument("<event>"))
    .description("send an event's dead letters again: fires that could not be dispatched")
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/replay.ts")).replay(cluster, name, given, io),
      ),
    );
}

function addLookCommands(program: Command, context: Context): void {
  const { io } = context;
  served(program.command("status").argument("[team|run]"))
    .description("what there is and what runs; one team; or one run's story")
    .option("-A, --all-namespaces", "of all namespaces")
    .option("-w, --watch", "follow the run until it has ended")
    .action((name: string | undefined, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/status.ts")).status(cluster, name, given, io),
      ),
    );
  served(
    program.command("get").argument("<kind>", "events, teams, agents, runs, services or settings").argument("[name]"),
    [...TEXTS, "wide", "name"],
  )
    .description("objects, as columns or whole")
    .option("-l, --selector <k=v,...>", "with these labels")
    .option("-A, --all-namespaces", "of all namespaces")
    .action((kind: string, name: string | undefined, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/get.ts")).get(cluster, kind, name, given, io),
      ),
    );
  served(program.command("logs").argument("<run>"))
    .description("turns, tool calls and outputs of a run")
    .option("-f, --follow", "until the run has ended")
    .option("--step <name>", "of one step")
    .option("--tail <n>", "the newest entries only")
    .option("--full", "texts whole, not only their first words")
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/logs.ts")).logs(cluster, name, given, io),
      ),
    );
  served(program.command("trace").argument("<run|taskid>"))
    .description("where a run's time went")
    .option(
      "--endpoint <url>",
      "its spans from there: the query API of Jaeger or Tempo (default: the run's own record)",
    )
    .action((name: string, options) =>
      connected(context, options, async (cluster, given) =>
        (await import("./commands/trace.ts")).trace(cluster, name, given, io),
      ),
    );
}

function addDoctor(program: Command, { io, done }: Context): void {
  onCluster(program.command("doctor"))
    .description("check a cluster: Kubernetes, Knative, Ark, NATS, your rights; says what to change")
    .option("-n, --namespace <name>", "where your rights are checked (default: that of the context)")
    .addOption(new Option("-o, --output <format>", "form of the result").choices(TEXTS).default("text"))
    .option("--no-color", "never colour")
    .action((options) => done(import("./commands/doctor.ts").then(({ doctor }) => doctor(options, io))));
}

function addInstall(program: Command, { io, done }: Context): void {
  onCluster(program.command("install"))
    .description("print the manifests of Ark for a cluster with Knative, or apply them")
    .addOption(
      new Option("--overlay <name>", "which of Ark's own").choices(["production", "kind", "lab"]).default("production"),
    )
    .option("-k, --kustomize <dir|url>", "a kustomization of yours, that builds on Ark's")
    .option("--apply", "apply them by kubectl, server-side")
    .option("--no-color", "never colour")
    .action((options) => done(import("./commands/install.ts").then(({ install }) => install(options, io))));
}

function addProjectCommands(program: Command, context: Context): void {
  const { io, done } = context;
  program
    .command("init")
    .argument("[dir]", "folder of the new project", ".")
    .description("a project that runs")
    .option("--force", "overwrite files")
    .option("--no-color", "never colour")
    .action((dir: string, options) => done(import("./commands/init.ts").then(({ init }) => init(dir, options, io))));
  common(program.command("validate").argument("<file...>", "manifests or folders"))
    .description("check manifests, all faults at once")
    .option("--check-agents", "teams and agents that are referred to must be in these files")
    .action((files: readonly string[], options) =>
      done(import("./commands/validate.ts").then(({ validate }) => validate(files, options, io))),
    );
  common(program.command("version"))
    .description("versions of ark and of its runtime")
    .action((options) => done(import("./commands/version.ts").then(({ version }) => version(options, io))));
  program
    .command("completion")
    .argument("<shell>", "bash, zsh or fish")
    .description("script that completes commands and flags")
    .option("--no-color", "never colour")
    .action((shell: string) =>
      done(import("./commands/completion.ts").then(({ completion }) => completion(program, shell, io))),
    );
}
