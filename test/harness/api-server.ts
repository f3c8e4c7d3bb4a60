/**
 * A real Kubernetes API in one line: `await using api = await startApiServer();` its own etcd and kube-apiserver, its
 * own folder and credentials, gone at the end. RBAC is on. There are no controllers: nothing deletes the dependents of
 * an object, empties a namespace that is deleted, or makes default service accounts.
 *
 * K1  It is ready when it serves, its built-in roles are there and the namespace `default` is.
 * K2  Neither server outlives this process (C1).
 * K3  etcd listens on sockets inside the folder; kube-apiserver alone takes a port, on loopback.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { cacheDir } from "../../local/cache-dir.ts";
import { describeTried, findControlPlane, type ControlPlane } from "../../scripts/binaries/control-plane.ts";
import { launchPlane, type Plane, type PlaneFiles } from "./api-server-process.ts";
import { kubeRest, type Ask } from "./kube-rest.ts";

export type ApiServer = AsyncDisposable & {
  /** Stays the same over a restart, as the credentials do. */
  readonly url: string;
  /** The administrator's: group system:masters. */
  readonly token: string;
  readonly caFile: string;
  /** Path of a kubeconfig with the administrator's token. */
  readonly kubeconfig: string;
  readonly pids: readonly number[];
  request: Ask;
  /** A token for RBAC tests; makes the service account when it is absent. */
  serviceAccountToken(namespace: string, name: string): Promise<string>;
  /** Both servers are killed as a crash would; same port, same data. */
  restart(): Promise<void>;
  /** For tests of an API server that is away. `restart` brings it back. */
  stop(): Promise<void>;
  /** The end of what both servers wrote. */
  logs(): Promise<string>;
};

let binaries: Promise<ControlPlane> | undefined;

/** Looks once per process; building is left to `scripts/bring.ts`, which has more time than a test. */
function controlPlane(): Promise<ControlPlane> {
  return (binaries ??= find());
}

async function find(): Promise<ControlPlane> {
  const outcome = await findControlPlane({
    cacheDir: cacheDir(process.env, homedir()),
    env: process.env,
    signal: AbortSignal.timeout(60_000),
  });
  if (outcome.kind === "found") return outcome.found;
  throw new Error(`no kube-apiserver and etcd; \`npm run bring\` brings them. Tried:\n${describeTried(outcome.tried)}`);
}

export type ApiServerOptions = {
  /** Unix socket of a proxy by HTTP CONNECT that leads to whatever a test calls pods. */
  readonly podsVia?: string;
};

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const plane = await controlPlane();
  const folder = await mkdtemp(path.join(tmpdir(), "ark-api-"));
  try {
    return await startIn(folder, plane, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, binary: ControlPlane, { podsVia }: ApiServerOptions): Promise<ApiServer> {
  const token = randomBytes(24).toString("hex");
  const files = await writeCredentials(folder, token);
  if (podsVia !== undefined) files.egress = await writeEgress(folder, podsVia);
  let plane: Plane = await launchOnFreePort(binary, files, token);
  const url = `https://127.0.0.1:${plane.port}`;
  const kubeconfig = path.join(folder, "kubeconfig");
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(url, files.ca, token), undefined, 2), { mode: 0o600 });
  let rest = kubeRest({ url, ca: await readFile(files.ca, "utf8"), token });
  const request: Ask = (...words) => rest.request(...words);
  const stop = async () => {
    rest[Symbol.dispose]();
    await plane.kill();
  };
  return {
    url,
    token,
    caFile: files.ca,
    kubeconfig,
    get pids() {
      return plane.pids;
    },
    request,
    serviceAccountToken: (namespace, name) => serviceAccountToken(request, namespace, name),
    stop,
    restart: async () => {
      await stop();
      plane = await launchPlane(binary, files, { token, port: plane.port });
      rest = kubeRest({ url, ca: await readFile(files.ca, "utf8"), token });
    },
    logs: () => plane.lastWords(),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeCredentials(folder: string, token: string): Promise<PlaneFiles> {
  const tokens = path.join(folder, "tokens.csv");
  const serviceAccountKey = path.join(folder, "service-accounts.key");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  await writeFile(serviceAccountKey, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  const certificates = path.join(folder, "certificates");
  return { folder, tokens, serviceAccountKey, certificates, ca: path.join(certificates, "apiserver.crt") };
}

async function writeEgress(folder: string, udsName: string): Promise<string> {
  const file = path.join(folder, "egress.json");
  const connection = { proxyProtocol: "HTTPConnect", transport: { uds: { udsName } } };
  const egressSelections = [{ name: "cluster", connection }];
  const kind = "EgressSelectorConfiguration";
  await writeFile(file, JSON.stringify({ apiVersion: "apiserver.k8s.io/v1beta1", kind, egressSelections }));
  return file;
}

/** kube-apiserver takes no port 0. Somebody may take the port between the two; then another one is tried. */
async function launchOnFreePort(binary: ControlPlane, files: PlaneFiles, token: string): Promise<Plane> {
  for (let left = 4; ; left -= 1) {
    try {
      return await launchPlane(binary, files, { token, port: await freePort() });
    } catch (error) {
      if (left === 0 || !(error instanceof Error && error.message.includes("address already in use"))) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function kubeconfigOf(server: string, ca: string, token: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, "certificate-authority": ca } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin", namespace: "default" } }],
  };
}

async function serviceAccountToken(request: Ask, namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const made = await request("POST", accounts, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
  if (made.status !== 201 && made.status !== 409) throw new Error(`${accounts}/${name}: ${JSON.stringify(made.body)}`);
  const answer = await request("POST", `${accounts}/${name}/token`, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 3_600 },
  });
  const status = answer.body["status"];
  if (typeof status === "object" && status !== null && "token" in status && typeof status.token === "string") {
    return status.token;
  }
  throw new Error(`no token for ${namespace}/${name}: ${JSON.stringify(answer.body)}`);
}
