/** What every implementation of `Objects` keeps to: the store of local mode, and Kubernetes. */
import { expect, test } from "vitest";
import type { ArkTeam } from "#core/api/v1alpha1/ark-team.ts";
import type { Objects, WatchEvent } from "#core/ports/objects.ts";

export function objectStoreContract(make: () => Objects): void {
  let teams = 0;
  const aTeam = (over: Partial<ArkTeam["metadata"]> = {}, prompt = "Hello"): ArkTeam => {
    teams += 1;
    return {
      apiVersion: "arkonis.dev/v1alpha1",
      kind: "ArkTeam",
      metadata: { name: `team-${teams}`, namespace: "default", ...over },
      spec: {
        roles: [{ name: "writer", model: "mock-model", systemPrompt: "You write." }],
        pipeline: [{ role: "writer", inputs: { prompt } }],
        output: "{{ .steps.writer.output }}",
      },
    } as unknown as ArkTeam;
  };
  const keyOf = ({ metadata: { namespace = "", name = "" } }: ArkTeam) => ({ namespace, name });
  const status = (phase: string) => ({ phase }) as unknown as NonNullable<ArkTeam["status"]>;

  test("J1 J2: create gives uid, generation 1 and a revision; the second create is `exists`", async () => {
    const store = make();
    const team = aTeam();
    expect(await store.get("ArkTeam", keyOf(team))).toBeUndefined();
    const created = await store.create("ArkTeam", team);
    expect(created.kind).toBe("created");
    expect(created.object.metadata).toMatchObject({ generation: 1, name: team.metadata.name });
    expect(created.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.object.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const again = await store.create("ArkTeam", { ...team, spec: { ...team.spec, output: "other" } });
    expect(again).toEqual({ kind: "exists", object: created.object });
    expect(await store.get("ArkTeam", keyOf(team))).toEqual(created.object);
  });

  test("J1: of many creations at once one wins", async () => {
    const store = make();
    const team = aTeam();
    const tries = await Promise.all(Array.from({ length: 10 }, () => store.create("ArkTeam", team)));
    expect(tries.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(new Set(tries.map(({ object }) => object.metadata.uid)).size).toBe(1);
  });

  test("J2: generation grows with the spec alone; every write has a revision of its own", async () => {
    const store = make();
    const team = aTeam();
    const { object: first } = await store.create("ArkTeam", team);
    const labelled = await store.update("ArkTeam", keyOf(team), (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: { a: "b" } },
    }));
    if (labelled.kind !== "updated") throw new Error(labelled.kind);
    expect(labelled.object.metadata).toMatchObject({ generation: 1, labels: { a: "b" }, uid: first.metadata.uid });
    expect(labelled.object.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    const changed = await store.apply("ArkTeam", { ...aTeam({ name: team.metadata.name! }, "Other") });
    expect(changed.metadata.generation).toBe(2);
    expect(changed.metadata.uid).toBe(first.metadata.uid);
  });

  test("J3: status is written alone, and no other verb changes it", async () => {
    const store = make();
    const team = aTeam();
    const { object } = await store.create("ArkTeam", { ...team, status: status("Forged") });
    expect(object.status).toBeUndefined();
    const written = await store.writeStatus("ArkTeam", keyOf(team), status("Ready"));
    expect(written).toMatchObject({
      kind: "updated",
      object: { status: { phase: "Ready" }, metadata: { generation: 1 } },
    });
    const applied = await store.apply("ArkTeam", {
      ...aTeam({ name: team.metadata.name! }, "Other"),
      status: status("Forged"),
    });
    expect(applied).toMatchObject({ status: { phase: "Ready" }, metadata: { generation: 2 } });
    expect(await store.writeStatus("ArkTeam", keyOf(aTeam()), status("x"))).toEqual({ kind: "absent" });
    expect(await store.update("ArkTeam", keyOf(aTeam()), (same) => same)).toEqual({ kind: "absent" });
  });

  test("writers of status and spec at once both win", async () => {
    const store = make();
    const team = aTeam();
    await store.create("ArkTeam", team);
    await Promise.all([
      ...Array.from({ length: 5 }, (_, index) =>
        store.update("ArkTeam", keyOf(team), (object) => ({
          ...object,
          metadata: { ...object.metadata, labels: { ...object.metadata.labels, [`l${index}`]: "x" } },
        })),
      ),
      ...Array.from({ length: 5 }, () => store.writeStatus("ArkTeam", keyOf(team), status("Ready"))),
    ]);
    const object = await store.get("ArkTeam", keyOf(team));
    expect(Object.keys(object?.metadata.labels ?? {}).toSorted()).toEqual(["l0", "l1", "l2", "l3", "l4"]);
    expect(object?.status).toMatchObject({ phase: "Ready" });
  });

  test("list: by namespace, by labels, of one kind", async () => {
    const store = make();
    const labels = { "arkonis.dev/test": "list" };
    const [one, two, far] = [aTeam({ labels }), aTeam(), aTeam({ labels, namespace: "elsewhere" })];
    for (const team of [one, two, far]) await store.create("ArkTeam", team);
    const names = async (options: Parameters<Objects["list"]>[1]) =>
      (await store.list("ArkTeam", options)).map(({ metadata: { name = "" } }) => name).toSorted();
    expect(await names({ labels })).toEqual([one, far].map(({ metadata: { name = "" } }) => name).toSorted());
    expect(await names({ labels, namespace: "elsewhere" })).toEqual([far.metadata.name]);
    expect(await names({ namespace: "default" })).toContain(two.metadata.name);
    expect(await store.list("ArkSettings")).toEqual([]);
  });

  test("J2: delete, and a new object of the name has a new uid", async () => {
    const store = make();
    const team = aTeam();
    const { object: first } = await store.create("ArkTeam", team);
    expect(await store.delete("ArkTeam", keyOf(team))).toBe("deleted");
    expect(await store.delete("ArkTeam", keyOf(team))).toBe("absent");
    expect(await store.get("ArkTeam", keyOf(team))).toBeUndefined();
    const second = await store.create("ArkTeam", team);
    expect(second.kind).toBe("created");
    expect(second.object.metadata.uid).not.toBe(first.metadata.uid);
  });

  test("watch: what is there as added, then changes, of one namespace, until the signal", async () => {
    const store = make();
    const namespace = "watched";
    const team = aTeam({ namespace });
    await store.create("ArkTeam", team);
    const end = new AbortController();
    const seen: string[] = [];
    const last: WatchEvent<"ArkTeam">[] = [];
    for await (const event of store.watch("ArkTeam", { namespace, signal: end.signal })) {
      seen.push(`${event.type} ${event.object.metadata.generation}`);
      last.push(event);
      if (seen.length === 1) {
        await store.create("ArkTeam", aTeam());
        await store.apply("ArkTeam", aTeam({ name: team.metadata.name!, namespace }, "Other"));
      } else if (seen.length === 2) await store.delete("ArkTeam", keyOf(team));
      else end.abort();
    }
    expect(seen).toEqual(["added 1", "modified 2", "deleted 2"]);
    expect(last.at(-1)?.object.metadata.uid).toBe(last[0]?.object.metadata.uid);
  });
}
