/**
 * A member of a team: a service account with the roles that docs/cli.md names and no other right, a kubeconfig with its
 * token, a home of its own, and `ark` and `kubectl` as such a user calls them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { kubectl, type Said } from "./cluster.ts";
import { SYSTEM } from "./names.ts";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const BESIDE_THE_SOURCES = path.join(ROOT, "scripts");

/** A command that goes on. */
export type Started = {
  /** Resolves once `text` stands in what it has written to stdout or stderr; rejects when it ends without. */
  says(text: string): Promise<void>;
  /** As Ctrl-C does. */
  interrupt(): void;
  readonly ended: Promise<Said>;
};

export type User = AsyncDisposable & {
  /** Working directory of its commands. */
  readonly folder: string;
  readonly kubeconfig: string;
  start(command: string, ...words: string[]): Started;
  ark(...words: string[]): Promise<Said>;
  kubectl(...words: string[]): Promise<Said>;
  /** A kubeconfig that differs from the user's own. */
  variant(name: string, change: (config: KubeConfig) => void): Promise<string>;
};

export type KubeConfig = {
  "current-context": string;
  clusters: { name: string; cluster: { server: string } }[];
  users: { name: string; user: object }[];
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
};

export type Rights = { readonly member: boolean; readonly caller: boolean };

/** `kubectl` of the administrator gives the rights, as docs/cli.md says. */
export async function openUser(
  namespace: string,
  name: string,
  rights: Rights = { member: true, caller: true },
): Promise<User> {
  const account = `--serviceaccount=${namespace}:${name}`;
  const inSystem = `${namespace}-${name}`;
  await kubectl("create", "serviceaccount", name, "-n", namespace);
  if (rights.member) await kubectl("create", "rolebinding", name, "-n", namespace, "--clusterrole=ark-member", account);
  if (rights.caller) await kubectl("create", "rolebinding", inSystem, "-n", SYSTEM, "--role=ark-caller", account);
  const token = await kubectl("create", "token", name, "-n", namespace, "--duration=2h");
  const folder = await mkdtemp(path.join(tmpdir(), "ark-user-"));
  const config = JSON.parse(
    await kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"),
  ) as KubeConfig;
  const context = { cluster: config.clusters[0]?.name ?? "", user: name, namespace };
  const own: KubeConfig = {
    ...config,
    "current-context": "mine",
    users: [{ name, user: { token: token.trim() } }],
    contexts: [{ name: "mine", context }],
  };
  const write = async (as: string, of: KubeConfig) => {
    const file = path.join(folder, as);
    await writeFile(file, JSON.stringify(of), { mode: 0o600 });
    return file;
  };
  const kubeconfig = await write("kubeconfig", own);
  const env = {
    // `kubectl ark` finds its plugin on PATH, and this Node.js before any other.
    PATH: [path.dirname(process.execPath), BESIDE_THE_SOURCES, process.env["PATH"]].join(":"),
    HOME: folder,
    KUBECONFIG: kubeconfig,
    NO_COLOR: "1",
  };
  const start: User["start"] = (command, ...words) => {
    const [file, args] =
      command === "ark" ? [process.execPath, [path.join(ROOT, "cli/main.ts"), ...words]] : [command, words];
    return started(spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }));
  };
  return {
    folder,
    kubeconfig,
    start,
    ark: (...words) => start("ark", ...words).ended,
    kubectl: (...words) => start("kubectl", ...words).ended,
    variant: async (as, change) => {
      const copy = structuredClone(own);
      change(copy);
      return write(as, copy);
    },
    [Symbol.asyncDispose]: async () => {
      await kubectl("delete", "rolebinding", inSystem, "-n", SYSTEM, "--ignore-not-found");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function started(child: ChildProcess): Started {
  const said = { out: "", err: "" };
  const waiting = new Set<() => void>();
  const take = (stream: "out" | "err") => (text: string) => {
    said[stream] += text;
    for (const look of waiting) look();
  };
  child.stdout?.setEncoding("utf8").on("data", take("out"));
  child.stderr?.setEncoding("utf8").on("data", take("err"));
  const ended = once(child, "close").then(([code]) => ({ code: (code as number | null) ?? -1, ...said }));
  return {
    ended,
    interrupt: () => void child.kill("SIGINT"),
    says: async (text) => {
      const heard = new Promise<true>((resolve) => {
        const look = () => void ((said.out.includes(text) || said.err.includes(text)) && resolve(true));
        waiting.add(look);
        look();
      });
      const first = await Promise.race([heard, ended]);
      if (first !== true && !said.out.includes(text) && !said.err.includes(text))
        throw new Error(`it ended with ${first.code} and never said "${text}": ${said.out}${said.err}`);
    },
  };
}
