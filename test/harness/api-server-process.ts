/** etcd and kube-apiserver as processes; see `api-server.ts` for what they promise (K1–K3). */
import { access, readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ControlPlane } from "../../scripts/binaries/control-plane.ts";
import { startChild, type Child } from "./child.ts";
import { kubeRest } from "./kube-rest.ts";

export type PlaneFiles = {
  /** etcd's working folder: its sockets carry relative names. */
  folder: string;
  tokens: string;
  serviceAccountKey: string;
  certificates: string;
  /** kube-apiserver makes its own certificate there, with its authority behind it, and keeps it over a restart. */
  ca: string;
  /** Its EgressSelectorConfiguration; absent: it goes to pods straight. */
  egress?: string;
};

export type Plane = {
  readonly port: number;
  readonly pids: readonly number[];
  kill(): Promise<void>;
  lastWords(): Promise<string>;
};

const START_TIMEOUT_MS = 90_000;
const ETCD_SOCKET = "etcd:1";

/** Rejects with the servers' last words when one ends or is not ready in time. */
export async function launchPlane(
  binary: ControlPlane,
  files: PlaneFiles,
  { token, port }: { token: string; port: number },
): Promise<Plane> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  const children: Child[] = [];
  const kill = async () => void (await Promise.all(children.map((child) => child.kill())));
  try {
    const socket = path.join(files.folder, ETCD_SOCKET);
    await rm(socket, { force: true });
    const etcd = await startChild(binary.etcd, etcdFlags(files), childOptions(files, "etcd"));
    children.push(etcd);
    await until(() => exists(socket), [etcd], deadline);
    const flags = [
      ...apiFlags(files, port),
      ...(files.egress === undefined ? [] : [`--egress-selector-config-file=${files.egress}`]),
    ];
    const api = await startChild(binary.apiServer, flags, childOptions(files, "kube-apiserver"));
    children.push(api);
    await until(() => isReady(files, port, token), [etcd, api], deadline);
    return { port, pids: [etcd.pid, api.pid], kill, lastWords: () => lastWords(children) };
  } catch (error) {
    await kill();
    throw error;
  }
}

function childOptions({ folder }: PlaneFiles, name: string) {
  return { cwd: folder, env: process.env, logFile: path.join(folder, `${name}.log`) };
}

/** What a test writes need not survive the machine, only the process: etcd does not wait for the disk. */
function etcdFlags({ folder }: PlaneFiles): string[] {
  return [
    `--data-dir=${path.join(folder, "etcd")}`,
    "--unsafe-no-fsync",
    "--log-level=error",
    `--listen-client-urls=unix://${ETCD_SOCKET}`,
    `--advertise-client-urls=unix://${ETCD_SOCKET}`,
    "--listen-peer-urls=unix://peer:1",
    "--initial-advertise-peer-urls=http://localhost:2380",
  ];
}

function apiFlags(files: PlaneFiles, port: number): string[] {
  return [
    `--etcd-servers=unix://${path.join(files.folder, ETCD_SOCKET)}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${files.certificates}`,
    `--token-auth-file=${files.tokens}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--allow-privileged=true",
    "--endpoint-reconciler-type=none",
    // No controller makes the default service accounts that this plugin would ask for.
    "--disable-admission-plugins=ServiceAccount",
    "--profiling=false",
  ];
}

/** Polls, because none of the two says by itself when it is ready. */
async function until(fact: () => Promise<boolean>, children: Child[], deadline: number): Promise<void> {
  while (!(await fact())) {
    const ended = children.some((child) => child.exit !== undefined);
    const late = performance.now() > deadline;
    if (ended || late) {
      const what = ended ? "a server ended at its start" : `not ready within ${START_TIMEOUT_MS / 1_000} s`;
      throw new Error(`${what}:\n${await lastWords(children)}`);
    }
    await delay(20);
  }
}

/** K1. A server of somebody else on this port fails on its certificate. */
async function isReady(files: PlaneFiles, port: number, token: string): Promise<boolean> {
  try {
    using rest = kubeRest({ url: `https://127.0.0.1:${port}`, ca: await readFile(files.ca, "utf8"), token });
    const answers = [await rest.request("GET", "/readyz"), await rest.request("GET", "/api/v1/namespaces/default")];
    return answers.every((answer) => answer.status === 200);
  } catch {
    return false;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function lastWords(children: readonly Child[]): Promise<string> {
  return (await Promise.all(children.map((child) => child.lastWords()))).join("\n");
}
