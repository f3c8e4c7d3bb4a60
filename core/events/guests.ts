/**
 * Guests of NATS: executors and routers, each with a user of its own in an account of their own (ADR 0015).
 *
 * G1  A guest publishes, reads and pulls what is its own, by subject, and nothing else: no subject of a guest reaches
 *     into another namespace, and none makes, lists, changes or purges a stream or a consumer.
 * G2  The guests' account sees of the record's account what is listed here. An answer of the server goes where its
 *     question says, whoever may publish there: between accounts that is never further than the guest itself may go.
 */
import { BUCKETS, COLLECTOR_POOL, handSubject, STREAMS, taskConsumer, tokensSubject, wakeSubject } from "./subjects.ts";

export type Guest =
  | { readonly namespace: string; readonly agent: string }
  | { readonly namespace: string; readonly service: string };

export type Permissions = { readonly publish: readonly string[]; readonly subscribe: readonly string[] };

/** G1. */
export function permissionsOf(guest: Guest): Permissions {
  const inbox = `${inboxOf(guest)}.>`;
  return "agent" in guest ? ofExecutor(guest, inbox) : ofRouter(guest, inbox);
}

/** Where a guest gets its answers: the connection's inbox prefix. */
export function inboxOf(guest: Guest): string {
  const own = "agent" in guest ? `agent.${guest.agent}` : `service.${guest.service}`;
  return `_INBOX.${guest.namespace}.${own}`;
}

function ofExecutor({ namespace, agent }: Extract<Guest, { agent: string }>, inbox: string): Permissions {
  const consumer = taskConsumer({ namespace, agent });
  const hand = handSubject({ namespace, agent }, "*");
  const own = ["usage", "probe", "mcp"].map((book) => `${book}.${namespace}.${agent}.*`);
  const books = [`run.${namespace}.*`, `team.${namespace}.*`, `agent.${namespace}.${agent}`, ...own];
  return {
    publish: [
      ...["step", "turn"].flatMap((kind) => written(STREAMS.facts, `ark.facts.${namespace}.*.${kind}.>`)),
      `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.tasks}.${consumer}`,
      `$JS.ACK.${STREAMS.tasks}.${consumer}.>`,
      ...inBucket(BUCKETS.leases, `${namespace}.>`),
      ...books.flatMap((key) => inBucket(BUCKETS.budgets, key)),
      `$KV.${BUCKETS.instances}.${namespace}.${agent}.*`,
      ...written(OUTPUTS.stream, `${OUTPUTS.subjects}.${namespace}.>`),
      tokensSubject({ namespace, run: "*" }),
      wakeSubject(namespace, COLLECTOR_POOL),
      wakeSubject(namespace, agent),
      hand,
      // Who is handed a task answers whoever offers it: another pod of this agent.
      inbox,
    ],
    subscribe: [inbox, hand],
  };
}

function ofRouter({ namespace, service }: Extract<Guest, { service: string }>, inbox: string): Permissions {
  return {
    publish: [
      `ark.facts.${namespace}.*.run`,
      `ark.events.${namespace}.*`,
      ...inBucket(BUCKETS.idempotency, `${namespace}.*`),
      readable(`KV_${BUCKETS.triggers}`, `$KV.${BUCKETS.triggers}.${namespace}.${service}.service`),
      readable(`KV_${BUCKETS.runs}`, `$KV.${BUCKETS.runs}.${namespace}.*`),
      readable(OUTPUTS.stream, `${OUTPUTS.subjects}.${namespace}.>`),
      // A list of several keys names them in its body: who is awake can be seen of all agents.
      ALL_INSTANCES,
      // The agents of the namespace, the collector and the relay.
      wakeSubject(namespace, "*"),
    ],
    subscribe: [inbox, `$KV.${BUCKETS.runs}.${namespace}.*`],
  };
}

const OUTPUTS = { stream: `OBJ_${BUCKETS.outputs}`, subjects: `$O.${BUCKETS.outputs}.C` } as const;
const ALL_INSTANCES = `$JS.API.DIRECT.GET.KV_${BUCKETS.instances}`;

/** Written, and read back by subject. */
function written(stream: string, subject: string): string[] {
  return [subject, readable(stream, subject)];
}

function inBucket(bucket: string, key: string): string[] {
  return written(`KV_${bucket}`, `$KV.${bucket}.${key}`);
}

function readable(stream: string, subject: string): string {
  return `$JS.API.DIRECT.GET.${stream}.${subject}`;
}

export type Shared = {
  readonly subject: string;
  /** `service`: guests ask, one answer; `answers`: several; `stream`: guests listen. */
  readonly as: "service" | "answers" | "stream";
};

/** G2: what the record's account exports, and the guests' account imports. */
export const SHARED: readonly Shared[] = [
  ...["ark.facts.>", "ark.events.>", "ark.wake.>", "ark.tokens.>", `${OUTPUTS.subjects}.>`].map(service),
  ...[BUCKETS.leases, BUCKETS.budgets, BUCKETS.instances, BUCKETS.idempotency].map((name) => service(`$KV.${name}.>`)),
  ...[STREAMS.facts, OUTPUTS.stream].map((stream) => service(readable(stream, ">"))),
  ...[BUCKETS.leases, BUCKETS.budgets, BUCKETS.idempotency, BUCKETS.triggers, BUCKETS.runs].map((name) =>
    service(readable(`KV_${name}`, ">")),
  ),
  service(`$JS.ACK.${STREAMS.tasks}.>`),
  { subject: `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.tasks}.*`, as: "answers" },
  { subject: ALL_INSTANCES, as: "answers" },
  { subject: `$KV.${BUCKETS.runs}.>`, as: "stream" },
];

function service(subject: string): Shared {
  return { subject, as: "service" };
}
