/**
 * The operator's own Service, and who may reach its pods: both lead to the ports that ArkServices have (D42).
 *
 * K1  Of the Service only ports named `svc-<port>` are touched, of the policy only what it lets in: the rest is the
 *     installation's, and stays when it is applied again.
 * K2  A port that the Service has already by another name is nobody's else.
 * K3  An object that the installation leaves out is not made.
 */
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Logger } from "#core/ports/log.ts";
import type { ChildObject, Children, ResourceName } from "#platform/kube/children.ts";
import { againAndAgain } from "./again.ts";

/** Owner of the ports' fields: nothing else of the operator's is written in its name. */
export const PORTS_FIELD_MANAGER = "ark-operator-ports";
const SERVICE = "ark-operator";
const POLICY = "front-door-services";
const PREFIX = "svc-";
const EVERY_MS = 10_000;
const NOT_WRITTEN = "ports of services not written";

export type ExposedPorts = {
  /** Both lead to the ports that are wanted and to no other; asks the API server only if others were. Never rejects. */
  expose(): Promise<void>;
  /** Why a port cannot be reached at the Service. */
  fault(port: number): string | undefined;
  /** Until `signal`: what somebody else changes comes back. */
  run(signal: AbortSignal): Promise<void>;
};

export type ExposedPortsDeps = {
  readonly children: Pick<Children, "get" | "apply">;
  readonly namespace: string;
  /** Undefined: not known now. */
  readonly wanted: () => readonly number[] | undefined;
  readonly log: Logger;
};

const Port = z.object({
  name: z.string().default(""),
  port: z.int(),
  targetPort: z.union([z.int(), z.string()]).optional(),
});
const CoreService = z.object({ spec: z.object({ ports: z.array(Port).default([]) }) });
const Policy = z.object({
  spec: z.object({
    ingress: z.array(z.object({ ports: z.array(z.object({ port: z.int() })).default([]) })).default([]),
  }),
});

export function createExposedPorts(deps: ExposedPortsDeps): ExposedPorts {
  return new Exposing(deps);
}

class Exposing implements ExposedPorts {
  readonly #deps: ExposedPortsDeps;
  #turn: Promise<void> = Promise.resolve();
  /** Exposed by the last look; undefined: not known to be. */
  #exposed: string | undefined;
  /** K2. */
  #taken: ReadonlyMap<number, string> = new Map();
  #refused: string | undefined;

  constructor(deps: ExposedPortsDeps) {
    this.#deps = deps;
  }

  expose(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look());
    return this.#turn;
  }

  fault(port: number): string | undefined {
    const name = this.#taken.get(port);
    return name === undefined ? this.#refused : `Service ${SERVICE} has a port ${name} of this number`;
  }

  run(signal: AbortSignal): Promise<void> {
    const lookAnew = () => {
      this.#exposed = undefined;
      return this.expose();
    };
    return againAndAgain(lookAnew, { everyMs: EVERY_MS, failed: NOT_WRITTEN, log: this.#deps.log }, signal);
  }

  async #look(): Promise<void> {
    const wanted = this.#deps.wanted()?.toSorted((a, b) => a - b);
    if (wanted === undefined || this.#exposed === String(wanted)) return;
    try {
      const refused = [await this.#service(wanted), await this.#policy(wanted)].find((one) => one !== undefined);
      if (refused !== undefined && refused !== this.#refused)
        this.#deps.log.warn({ reason: refused }, "ports of services refused");
      this.#refused = refused;
      this.#exposed = refused === undefined ? String(wanted) : undefined;
    } catch (error) {
      this.#deps.log.warn({ err: error }, NOT_WRITTEN);
    }
  }

  /** Why it was refused. */
  async #service(wanted: readonly number[]): Promise<string | undefined> {
    const live = CoreService.safeParse(await this.#get("CoreService", SERVICE));
    if (!live.success) return undefined;
    const { ports } = live.data.spec;
    const others = ports.filter(({ name }) => !name.startsWith(PREFIX));
    this.#taken = new Map(others.map(({ port, name }) => [port, name]));
    const own = wanted.filter((port) => !this.#taken.has(port));
    const there = ports.filter(({ name }) => name.startsWith(PREFIX));
    const targets = new Map(there.map(({ port, targetPort }) => [port, targetPort]));
    if (isDeepStrictEqual(targets, new Map(own.map((port) => [port, port])))) return undefined;
    const spec = {
      ports: own.map((port) => ({ name: `${PREFIX}${port}`, port, targetPort: port, protocol: "TCP" })),
    };
    return this.#apply("CoreService", SERVICE, spec);
  }

  async #policy(wanted: readonly number[]): Promise<string | undefined> {
    const live = Policy.safeParse(await this.#get("NetworkPolicy", POLICY));
    if (!live.success) return undefined;
    const there = live.data.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
    if (isDeepStrictEqual(new Set(wanted), new Set(there))) return undefined;
    // A rule without ports would let everything in.
    const ingress = wanted.length === 0 ? [] : [{ ports: wanted.map((port) => ({ port, protocol: "TCP" })) }];
    return this.#apply("NetworkPolicy", POLICY, { ingress });
  }

  #get(kind: ResourceName, name: string): Promise<ChildObject | undefined> {
    return this.#deps.children.get(kind, { namespace: this.#deps.namespace, name });
  }

  async #apply(kind: ResourceName, name: string, spec: object): Promise<string | undefined> {
    const { namespace, children } = this.#deps;
    const object = { metadata: { name, namespace }, spec };
    const outcome = await children.apply(kind, object);
    return outcome.kind === "refused" ? outcome.message : undefined;
  }
}
