/**
 * One leader among the replicas, by a Lease of coordination.k8s.io.
 *
 * E1  Whoever leads has renewed within `renewMs` by its own clock; past that its work is stopped, before the Lease runs
 *     out for the others (`durationMs`).
 * E2  Another's Lease counts from when this process saw it change, never by the other's clock.
 * E3  Every write names the version it read: of two that try, one leads.
 * E4  A leader that stops gives the Lease back, so that the next one need not wait.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#core/ports/log.ts";
import type { Kube } from "./client.ts";

export type LeaseOptions = {
  readonly namespace: string;
  readonly name: string;
  /** Of this process, unlike any other's. */
  readonly identity: string;
  readonly durationMs?: number;
  readonly renewMs?: number;
  readonly retryMs?: number;
  readonly now: () => number;
  /** Another was seen to lead; said again at every look. */
  readonly onOther?: () => void;
  readonly log: Logger;
};

type Lease = {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly acquireTime?: string;
    readonly leaseTransitions?: number;
    readonly leaseDurationSeconds?: number;
  };
};

/** An API server that restarts takes nobody's lead. Who stops gives back at once (E4). */
const DURATION_MS = 40_000;
const RENEW_MS = 30_000;
const RETRY_MS = 2_000;
const REQUEST_MS = 5_000;

/** Leads whenever it can, until `signal`: `lead` runs while the Lease is held, and must end when its signal aborts. */
export async function electLeader(
  kube: Kube,
  options: LeaseOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(kube, options);
  while (!signal.aborted) {
    if (await candidate.tryHold(signal)) await reign(candidate, options, lead, signal);
    await pause(options.retryMs ?? RETRY_MS, signal);
  }
}

async function reign(
  candidate: Candidate,
  options: LeaseOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { log, identity, renewMs = RENEW_MS, retryMs = RETRY_MS } = options;
  const lost = new AbortController();
  const term = AbortSignal.any([signal, lost.signal]);
  log.info({ identity }, "leading");
  const work = lead(term).finally(() => lost.abort());
  // What it throws is thrown below, once the loop has seen its end.
  work.catch(() => undefined);
  while (!term.aborted) {
    await pause(retryMs, term);
    if (term.aborted) break;
    // E1. Until then a renewal that failed is tried again; an answer that does not come is waited for no longer.
    const endsAt = candidate.renewedAt + renewMs;
    const inTime = AbortSignal.timeout(Math.max(0, Math.floor(endsAt - performance.now())));
    const held = await candidate.tryHold(AbortSignal.any([term, inTime]));
    // By the clock too: a refused connection fails before a timer of no time goes off.
    const isLate = inTime.aborted || performance.now() >= endsAt;
    if (held || !(candidate.isOthers || isLate)) continue;
    if (!term.aborted) log.warn({ identity }, "the Lease was lost, or not renewed in time");
    lost.abort();
  }
  try {
    await work;
  } finally {
    log.info({ identity }, "no longer leading");
    await candidate.giveBack();
  }
}

class Candidate {
  readonly #kube: Kube;
  readonly #options: LeaseOptions;
  readonly #path: string;
  #seen: { readonly version: string; readonly at: number } | undefined;
  renewedAt = Number.NEGATIVE_INFINITY;
  isOthers = false;

  constructor(kube: Kube, options: LeaseOptions) {
    this.#kube = kube;
    this.#options = options;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  /** Never rejects: what fails is tried again. */
  async tryHold(signal: AbortSignal): Promise<boolean> {
    try {
      const began = performance.now();
      const held = await this.#hold(signal);
      if (held) this.renewedAt = began;
      return held;
    } catch (error) {
      if (!signal.aborted) this.#options.log.warn({ err: error }, "the Lease could not be read or written");
      return false;
    }
  }

  async giveBack(): Promise<void> {
    try {
      const lease = await this.#read();
      if (lease?.spec?.holderIdentity !== this.#options.identity) return;
      await this.#write(lease, { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 });
    } catch (error) {
      this.#options.log.debug({ err: error }, "the Lease runs out by itself");
    }
  }

  async #hold(signal: AbortSignal): Promise<boolean> {
    const { identity } = this.#options;
    const lease = await this.#read(signal);
    if (lease === undefined) return this.#write(undefined, this.#spec(undefined), signal);
    const holder = lease.spec?.holderIdentity ?? "";
    this.isOthers = holder !== "" && holder !== identity;
    if (this.isOthers && !this.#hasRunOut(lease)) {
      this.#options.onOther?.();
      return false;
    }
    return this.#write(lease, this.#spec(lease), signal);
  }

  /** E2. */
  #hasRunOut(lease: Lease): boolean {
    const version = lease.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, at: performance.now() };
    const duration = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000 || this.#durationMs;
    return performance.now() - this.#seen.at > duration;
  }

  get #durationMs(): number {
    return this.#options.durationMs ?? DURATION_MS;
  }

  #spec(lease: Lease | undefined): NonNullable<Lease["spec"]> {
    const { identity, now } = this.#options;
    const at = new Date(now()).toISOString().replace(/Z$/, "000Z");
    const mine = lease?.spec?.holderIdentity === identity;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#durationMs / 1_000),
      renewTime: at,
      acquireTime: mine ? (lease.spec?.acquireTime ?? at) : at,
      leaseTransitions: (lease?.spec?.leaseTransitions ?? 0) + (mine ? 0 : 1),
    };
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const path = `${this.#path}/${this.#options.name}`;
    const answer = await this.#kube.request({ method: "GET", path, timeoutMs: REQUEST_MS, ...(signal && { signal }) });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`reading the Lease: HTTP ${answer.status}`);
    return answer.body as Lease;
  }

  /** E3. */
  async #write(lease: Lease | undefined, spec: NonNullable<Lease["spec"]>, signal?: AbortSignal): Promise<boolean> {
    const { namespace, name } = this.#options;
    const metadata = { namespace, name, ...lease?.metadata };
    const answer = await this.#kube.request({
      method: lease === undefined ? "POST" : "PUT",
      path: lease === undefined ? this.#path : `${this.#path}/${name}`,
      body: { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec },
      timeoutMs: REQUEST_MS,
      ...(signal && { signal }),
    });
    if (answer.status === 409) return false;
    if (answer.status > 299) throw new Error(`writing the Lease: HTTP ${answer.status}`);
    return true;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms / 2 + (ms / 2) * Math.random(), undefined, { signal }).catch(() => undefined);
}
