/** The operator makes users of NATS (ADR 0015): on a real API server, and signed in with on a real nats-server. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createAccount } from "@nats-io/jwt";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openJetStream } from "#platform/jetstream/jetstream.ts";
import { type GuardedNats, startGuardedNats } from "../../harness/nats-accounts.ts";
import { fieldOf, type OperatorWorld, POLL, startOperatorWorld } from "./world.ts";

vi.setConfig({ testTimeout: 180_000 });

const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";
const SERVICES = "/apis/serving.knative.dev/v1/namespaces/default/services";
const SECRETS = "/api/v1/namespaces/default/secrets";

let world: OperatorWorld;
let guarded: GuardedNats;
let dir: string;
let keyFile: string;
beforeAll(async () => {
  [world, guarded] = await Promise.all([startOperatorWorld(), startGuardedNats()]);
  dir = await mkdtemp(path.join(tmpdir(), "ark-signing-"));
  keyFile = path.join(dir, "signing.nk");
  // As nsc writes it: the seed, then its public key.
  await writeFile(keyFile, `${guarded.signingKey}\n${guarded.signer.id}\n`);
  world.lead({ ARK_NATS_SIGNING_KEY_FILE: keyFile, ARK_NATS_GUEST_ACCOUNT: guarded.account });
  await world.post(SECRETS, { metadata: { name: "ark-api-keys" }, stringData: { OPENAI_API_KEY: "sk-secret" } });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await guarded[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const get = (at: string) => world.get(at);

/** Name of the Secret that the pods of this Knative Service sign in with. */
async function mounted(service: string): Promise<string | undefined> {
  const text = JSON.stringify(
    fieldOf(await get(`${SERVICES}/${service}`), "spec", "template", "spec", "volumes") ?? [],
  );
  return /"secretName":"([^"]*-nats-[^"]*)"/.exec(text)?.[1];
}

async function credentials(secret: string): Promise<string | undefined> {
  const data = fieldOf(await get(`${SECRETS}/${secret}`), "data", "nats.creds");
  return typeof data === "string" ? Buffer.from(data, "base64").toString() : undefined;
}

test("an agent and a service have users of their own, with which their pods do their work and no other's", async () => {
  await world.create("ArkAgent", "writer", { model: "gpt-4o", systemPrompt: "You write." });
  await world.create("ArkService", "writing", {
    selector: { arkAgent: "writer" },
    ports: [{ protocol: "HTTP", port: 8081 }],
  });
  await expect.poll(() => mounted("writer-agent"), POLL).toMatch(/^writer-agent-nats-/);
  await expect.poll(() => mounted("writing-router"), POLL).toMatch(/^writing-router-nats-/);
  const name = (await mounted("writer-agent")) ?? "";
  expect(fieldOf(await get(`${SECRETS}/${name}`), "metadata", "ownerReferences")).toMatchObject([{ name: "writer" }]);
  const pool = { namespace: "default", agent: "writer" };
  const queues: object[] = [];
  for await (const queue of world.js.taskQueues.pools()) queues.push(queue);
  expect(queues).toEqual([pool]);

  const creds = path.join(dir, "writer.creds");
  await writeFile(creds, (await credentials(name)) ?? "");
  const signal = AbortSignal.timeout(60_000);
  const { url } = guarded.nats;
  await using record = await openJetStream({ url, name: "record", signal, creds: guarded.creds });
  await record.provision({ storageBytes: 1024 ** 3 });
  await record.taskQueues.open(pool);
  await using guest = await openJetStream({ url, name: "guest", signal, creds, guest: pool });
  expect(await guest.tasks.next(pool, 1_000, signal)).toBeUndefined();
  await expect(
    guest.leases.take({ namespace: "other", uid: "u" }, { step: "s", iteration: 0, attempt: 0 }),
  ).rejects.toThrow();
});

test("K1: a Secret that is deleted is made anew with another user; another signing key makes other ones", async () => {
  const name = (await mounted("writer-agent")) ?? "";
  const first = await credentials(name);
  await world.api.request("DELETE", `${SECRETS}/${name}`);
  await expect.poll(() => credentials(name), POLL).toMatch(/BEGIN NATS USER JWT/);
  expect(await credentials(name)).not.toBe(first);
  await writeFile(keyFile, createAccount().getSeed());
  await expect.poll(() => mounted("writer-agent"), POLL).not.toBe(name);
  expect(await mounted("writer-agent")).toMatch(/^writer-agent-nats-/);
  await writeFile(keyFile, "no key");
  const conditions = async () => JSON.stringify(fieldOf(await get(`${ARK}/arkagents/writer`), "status", "conditions"));
  await expect.poll(conditions, POLL).toContain("signing key for NATS: it is no seed");
  // G1: the Service that it has stays.
  expect(await mounted("writer-agent")).toMatch(/^writer-agent-nats-/);
});
