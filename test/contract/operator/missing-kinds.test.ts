/** D51: an operator whose kinds are missing waits, names them, and recovers. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { installKnative } from "../../harness/knative.ts";
import { fieldOf, type OperatorWorld, POLL, readyOf, startOperatorWorld, SYSTEM } from "./world.ts";

/** The machine may be busy with other things: what is waited for says when, not a clock. */
vi.setConfig({ testTimeout: 180_000 });

let world: OperatorWorld;
beforeAll(async () => {
  world = await startOperatorWorld({ knative: false });
});
afterAll(() => world[Symbol.asyncDispose]());

const EVENT_TYPES = `/apis/eventing.knative.dev/v1beta3/namespaces/${SYSTEM}/eventtypes`;
const ARK = "/apis/arkonis.dev/v1alpha1/namespaces/default";

test("D51, L2: without Knative it says what is missing and does the rest; installed, everything is made", async () => {
  const { leading } = world.lead({ ARK_BROKER_CLASS: "NatsJetStreamBroker" });
  const missing = () => new Set(leading.faults().map((fault) => fault.split(":")[0]));
  await expect.poll(missing, POLL).toEqual(new Set(["PingSource", "Revision", "Service", "Trigger"]));
  const role = { name: "writer", model: "gpt-4o", systemPrompt: "You write." };
  await world.create("ArkEvent", "hook", { source: { type: "webhook" }, targets: [{ team: "blog" }] });
  await world.create("ArkTeam", "blog", { roles: [role], pipeline: [{ role: "writer" }] });
  const reason = async (plural: string, name: string) => readyOf(await world.get(`${ARK}/${plural}/${name}`)).reason;
  await expect.poll(() => reason("arkteams", "blog"), POLL).toBe("Validated");
  await expect.poll(() => reason("arkevents", "hook"), POLL).toBe("TriggerNotReady");
  await installKnative(world.api);
  await expect.poll(() => leading.faults(), POLL).toEqual([]);
});

test("the Broker, the Triggers and the event types are made once their kinds are there", async () => {
  const of = (plural: string) => `/apis/eventing.knative.dev/v1/namespaces/${SYSTEM}/${plural}`;
  const names = async () => {
    const items = fieldOf((await world.api.request("GET", of("triggers"))).body, "items");
    return (Array.isArray(items) ? items : []).map((one) => String(fieldOf(one, "metadata", "name")).split("-")[0]);
  };
  await expect.poll(async () => new Set(await names()), POLL).toEqual(new Set(["ark", "hook"]));
  const listed = async () => {
    const items = fieldOf((await world.api.request("GET", EVENT_TYPES)).body, "items");
    return (Array.isArray(items) ? items : []).map((one) => {
      const attributes = fieldOf(one, "spec", "attributes") as { name: string; value?: string }[];
      return [fieldOf(one, "spec", "reference", "name"), attributes.find(({ name }) => name === "type")?.value];
    });
  };
  await expect
    .poll(listed, POLL)
    .toEqual(["failed", "started", "succeeded", "waiting"].map((turn) => ["default", `dev.ark.run.${turn}`]));
  const broker = async () => (await world.api.request("GET", `${of("brokers")}/default`)).body;
  await expect
    .poll(async () => fieldOf(await broker(), "metadata", "annotations", "eventing.knative.dev/broker.class"), POLL)
    .toBe("NatsJetStreamBroker");
});
