/**
 * `ark install`: the manifests of this version, rendered by kubectl's own kustomize; printed, or applied.
 *
 * X1  Without --apply nothing is asked of a cluster.
 */
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import * as path from "node:path";
import { ArkError } from "#core/errors.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import type { ClusterPlace } from "../place.ts";

export type InstallOptions = ClusterPlace & {
  readonly overlay: "production" | "kind" | "lab";
  readonly kustomize?: string;
  readonly apply?: boolean;
};

/** Beside the sources and beside the bundle alike: both lie two folders below. */
const MANIFESTS = path.resolve(import.meta.dirname, "..", "..", "knative", "overlays");

export async function install(options: InstallOptions, io: Io): Promise<number> {
  const folder = await kustomizationOf(options, io);
  if (options.apply !== true) {
    await kubectl(["kustomize", folder], io);
    io.err("Nothing was changed. Apply it with: ark install --apply\n");
    return EXIT.done;
  }
  await kubectl([...connection(options), ...APPLY, "-k", folder], io);
  io.err("Applied. Check the cluster with: ark doctor\n");
  return EXIT.done;
}

/** One field manager: what an earlier version set and this one does not is taken back. */
const APPLY = ["apply", "--server-side", "--force-conflicts", "--field-manager=ark-install"];

async function kustomizationOf({ kustomize, overlay }: InstallOptions, io: Io): Promise<string> {
  // A URL is kubectl's to resolve.
  if (kustomize?.includes("://") === true) return kustomize;
  const folder = kustomize === undefined ? path.join(MANIFESTS, overlay) : path.resolve(io.cwd, kustomize);
  if (await stat(folder).catch(() => undefined)) return folder;
  throw new ArkError(
    "manifest.not_found",
    `there is no folder ${folder}`,
    "Name a kustomization with -k: a folder, or the address of a repository that holds one.",
  );
}

function connection({ context, kubeconfig }: ClusterPlace): readonly string[] {
  return [
    ...(context === undefined ? [] : [`--context=${context}`]),
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
  ];
}

/** Resolves when it has ended well; what it says goes where it says it. */
function kubectl(args: readonly string[], io: Io): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("kubectl", args, { env: { ...io.env }, cwd: io.cwd, stdio: ["ignore", "pipe", "pipe"] });
    const stop = () => void child.kill("SIGTERM");
    io.signal.addEventListener("abort", stop, { once: true });
    child.stdout.setEncoding("utf8").on("data", io.out);
    child.stderr.setEncoding("utf8").on("data", io.err);
    child.once("error", (error) => reject(missing(error)));
    child.once("close", (code) => {
      io.signal.removeEventListener("abort", stop);
      if (code === 0) resolve();
      else reject(io.signal.aborted ? io.signal.reason : failed(args, code));
    });
  });
}

function missing(error: Error): ArkError {
  const why = "code" in error && error.code === "ENOENT" ? "kubectl is not on PATH" : `kubectl: ${error.message}`;
  const hint =
    "Install it: https://kubernetes.io/docs/tasks/tools; or apply knative/overlays with a kustomize of your own.";
  return new ArkError("kubectl.missing", why, hint, { cause: error });
}

function failed(args: readonly string[], code: number | null): ArkError {
  const command = args.find((arg) => !arg.startsWith("-")) ?? "";
  const words = `kubectl ${command} ended with ${code ?? "a signal"}`;
  return new ArkError("server.refused", words, "Its own words stand above; correct what they name, then run it again.");
}
