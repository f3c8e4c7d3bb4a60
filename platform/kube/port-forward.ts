/**
 * A connection to a pod of a Service through the API server, for whoever may `get` and `create pods/portforward`: no address of
 * the cluster's network need be reachable, and nothing runs in the pod.
 *
 * N1  One connection is one WebSocket; either end closing ends both.
 * N2  A pod is chosen anew for each connection, among those that are ready.
 */
import { Duplex, PassThrough } from "node:stream";
import { PortForward } from "@kubernetes/client-node";
import { type Kube, messageOf } from "./client.ts";
import { type KubeSource, loadConfig } from "./config.ts";

export type ServiceTarget = { readonly namespace: string; readonly service: string; readonly port: number };

/** Why no connection can be made, for people. */
export class NoForward extends Error {
  override readonly name = "NoForward";
}

export type Forwarder = (target: ServiceTarget) => Promise<Duplex>;

type Port = { readonly name?: string; readonly containerPort?: number };
type Pod = {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec?: { readonly containers?: readonly { readonly ports?: readonly Port[] }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
};
type Service = {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly port: number; readonly targetPort?: number | string }[];
  };
};

const ERROR_STREAM_LIMIT = 4_096;
const CONNECT_MS = 30_000;

/** The returned function throws NoForward, or StoreUnavailable when the API server is away. */
export function portForwarder(source: KubeSource, kube: Kube): Forwarder {
  const forward = new PortForward(loadConfig(source), false);
  return async (target) => {
    const { pod, port } = await choose(kube, target);
    return open(forward, target, pod, port);
  };
}

/** N2. */
async function choose(kube: Kube, target: ServiceTarget): Promise<{ pod: string; port: number }> {
  const path = `/api/v1/namespaces/${target.namespace}`;
  const name = `Service ${target.namespace}/${target.service}`;
  const { spec = {} } = (await read(kube, `${path}/services/${target.service}`)) as Service;
  const labelSelector = Object.entries(spec.selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  if (labelSelector === "") throw new NoForward(`${name} selects no pods`);
  const { items = [] } = (await read(kube, `${path}/pods`, { labelSelector })) as { items?: readonly Pod[] };
  const pod = items.find(isReady);
  if (pod === undefined) throw new NoForward(`no pod of ${name} is ready`);
  return { pod: pod.metadata.name, port: portBehind(spec, target.port, pod) };
}

function portBehind({ ports = [] }: NonNullable<Service["spec"]>, port: number, pod: Pod): number {
  const wanted = ports.find((one) => one.port === port)?.targetPort ?? port;
  return typeof wanted === "number" ? wanted : (portOf(pod, wanted) ?? port);
}

async function read(kube: Kube, path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { status, body } = await kube.request({ method: "GET", path, query });
  if (status !== 200) throw new NoForward(messageOf(body));
  return body;
}

function isReady({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  return ready === true && metadata.deletionTimestamp === undefined;
}

function portOf({ spec }: Pod, name: string): number | undefined {
  return spec?.containers?.flatMap(({ ports = [] }) => ports).find((port) => port.name === name)?.containerPort;
}

async function open(forward: PortForward, target: ServiceTarget, pod: string, port: number): Promise<Duplex> {
  const fromPod = new PassThrough();
  const toPod = new PassThrough();
  const refusal = new PassThrough();
  const duplex = Duplex.from({ readable: fromPod, writable: toPod });
  let said = "";
  refusal.on("data", (chunk: Buffer) => {
    said = `${said}${chunk.toString("utf8")}`.slice(0, ERROR_STREAM_LIMIT);
    duplex.destroy(new NoForward(`pod ${pod}: ${said}`));
  });
  const socket = await connect(
    forward.portForward(target.namespace, pod, [port], fromPod, refusal, toPod),
    `${target.namespace}/${pod}`,
  );
  // N1.
  socket.onclose = () => fromPod.end();
  socket.onerror = (event) => void duplex.destroy(new NoForward(`pod ${pod}: ${event.message}`));
  duplex.once("close", () => socket.terminate());
  return duplex;
}

/** What is used of the WebSocket package, which brings no types. */
type Socket = {
  onclose: () => void;
  onerror: (event: { readonly message: string }) => void;
  terminate(): void;
};

async function connect(connecting: Promise<Socket | (() => unknown)>, pod: string): Promise<Socket> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoForward(`no connection to pod ${pod} within ${CONNECT_MS} ms`)), CONNECT_MS);
  });
  try {
    const socket = await Promise.race([connecting, late]);
    if (typeof socket === "function") throw new NoForward("the client gave no connection");
    return socket;
  } catch (error) {
    // A connection that comes too late is of no use any more.
    void connecting.then(
      (socket) => typeof socket !== "function" && socket.terminate(),
      () => undefined,
    );
    if (error instanceof NoForward) throw error;
    throw new NoForward(`no connection to pod ${pod}: ${refusalOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The WebSocket client rejects with an event that carries its words, or the error itself. */
function refusalOf(error: unknown): string {
  const message = typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
  return message.includes("403")
    ? `${message} (you need the rights get and create on pods/portforward)`
    : message || String(error);
}
