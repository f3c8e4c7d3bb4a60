/** Where a command works: which flags say it, and how they exclude one another. */
import type { Io } from "./io.ts";
import { usage } from "./options.ts";

/** The flags of every command that talks to a server. */
export type PlaceOptions = {
  readonly local?: boolean;
  readonly serverData?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly server?: string;
};

export type ClusterPlace = { readonly context?: string; readonly kubeconfig?: string; readonly server?: string };
/** `any`: a running `ark up` if there is one, else the cluster. */
export type Place =
  | { readonly kind: "local"; readonly dataDir?: string }
  | { readonly kind: "cluster"; readonly of: ClusterPlace }
  | { readonly kind: "any"; readonly of: ClusterPlace };

/** Variables of the command; the reference of settings lists them. */
export const PLACE_ENV = {
  ARK_SERVER: "Address of the front door, where an Ingress leads to it; `--server` comes first.",
  ARK_TARGET: "`cluster`: the cluster of the kubeconfig, though an `ark up` runs. `kubectl ark` sets it.",
} as const;

/** ARK_SERVER tells the address of the front door and decides nothing; ARK_TARGET is set by `kubectl ark`. */
export function placeOf(options: PlaceOptions, env: Io["env"]): Place {
  const { local, serverData } = options;
  const forced = FORCING.some((flag) => options[flag] !== undefined);
  if (local === true || serverData !== undefined) {
    if (forced)
      throw usage("--local and --server-data exclude --context, --kubeconfig and --server", "Leave one side out.");
    return serverData === undefined ? { kind: "local" } : { kind: "local", dataDir: serverData };
  }
  const of = clusterPlace(options, env);
  return forced || env["ARK_TARGET"] === "cluster" ? { kind: "cluster", of } : { kind: "any", of };
}

const FORCING = ["context", "kubeconfig", "server"] as const;

export function clusterPlace(options: ClusterPlace, env: Io["env"]): ClusterPlace {
  const { context, kubeconfig } = options;
  const server = options.server ?? nonEmpty(env["ARK_SERVER"]);
  return {
    ...(context === undefined ? {} : { context }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(server === undefined ? {} : { server }),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
