/** Ports of ArkServices: what a router must know of its service, which instances there are, how a task reaches one. */
import type { ArkServiceSpec, Strategy } from "#core/api/v1alpha1/ark-service.ts";
import type { Task } from "#core/events/tasks.ts";
import type { Delivery } from "./record.ts";

export type ServicePort = ArkServiceSpec["ports"][number];

/** Set by whoever listens at a port that a service declares: the protocol of that port. */
export const PROTOCOL_HEADER = "x-ark-protocol";

/** What the router must know of an ArkService without asking the API server; `<ns>.<service>.service` in `ark-triggers`. */
export type ServiceRecord = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly agent: string;
  readonly strategy: Strategy;
  readonly protocols: readonly ServicePort["protocol"][];
  /** Those of its ports that it has: whoever is the front door opens them. */
  readonly ports?: readonly ServicePort[];
  /** `sha256:<hex>` of the bearer token. */
  readonly tokenDigest: string;
};

export type ServiceChange = {
  readonly namespace: string;
  readonly name: string;
  readonly record: ServiceRecord | undefined;
};

export interface Services {
  get(namespace: string, name: string): Promise<ServiceRecord | undefined>;
  put(record: ServiceRecord): Promise<void>;
  delete(namespace: string, name: string): Promise<void>;
  /** All of them. */
  list(): AsyncIterable<ServiceRecord>;
  /** What is there first, then changes, until `signal`; `record` is undefined where it has gone. */
  watch(signal: AbortSignal): AsyncIterable<ServiceChange>;
}

export type Pool = { readonly namespace: string; readonly agent: string };

/** One ArkAgent: a later one of the same name has another uid. An agent that no object store made has none. */
export type AgentId = Pool & { readonly uid?: string | undefined };

/** One awake process of an agent, as it says of itself. */
export type Instance = {
  readonly instance: string;
  /** Tasks in hand. */
  readonly active: number;
  /** Most tasks at once. */
  readonly max: number;
  /** Readiness passes (api 5). */
  readonly ready: boolean;
};

/** Who is awake. An instance that says nothing for a while is forgotten. */
export interface Instances {
  list(pool: Pool): Promise<readonly Instance[]>;
}

export interface Announcements {
  announce(pool: Pool, instance: Instance): Promise<void>;
  leave(pool: Pool, instance: string): Promise<void>;
}

/** From the instance that pulled a task to the one it is meant for. Whoever has taken it settles the delivery. */
export interface HandOver {
  /** `refused`: it has no room, or is not there; the delivery stays with the caller. Never rejects. */
  offer(pool: Pool, instance: string, delivery: Delivery<Task>): Promise<"taken" | "refused">;
  /** Tasks that are handed to `instance`, until `signal`; each is answered by what `take` says. */
  receive(
    pool: Pool,
    instance: string,
    take: (delivery: Delivery<Task>) => "taken" | "refused",
    signal: AbortSignal,
  ): Promise<void>;
}
