/** Watches, as an API server may treat them: each answer is the test's own. */
import { expect, test } from "vitest";
import { openKube } from "#platform/kube/client.ts";
import { type KubeObject, watchObjects } from "#platform/kube/watch.ts";
import { startKube } from "../../harness/kube.ts";
import { Lock } from "../../harness/lock.ts";

const PATH = "/api/v1/configmaps";

test.each([
  ["end at once", ""],
  ["are too old at once", `${JSON.stringify({ type: "ERROR", object: { code: 410 } })}\n`],
])("I3: watches that %s are not asked for again without a pause", async (_what, said) => {
  const watched: number[] = [];
  const enough = new Lock(4, 60_000);
  await using there = await startKube((request, response) => {
    const isWatch = request.url?.includes("watch=true") === true;
    response.end(isWatch ? said : JSON.stringify({ items: [], metadata: { resourceVersion: "7" } }));
    if (!isWatch) return;
    watched.push(performance.now());
    enough.unlock();
  });
  const stop = new AbortController();
  const watching = watchObjects<KubeObject>(openKube({ kubeconfig: there.kubeconfig }), PATH, { signal: stop.signal });
  const first = watching.next();
  await enough.done;
  stop.abort();
  expect((await first).done).toBe(true);
  const [began = 0, , , fourth = 0] = watched;
  // Half of 250, 500 and 1,000 ms at least: a pause may be longer, never shorter. A timer may come a millisecond early.
  expect(fourth - began).toBeGreaterThan(870);
});

test("I1: a watch that broke goes on behind the last line that it gave", async () => {
  const asked: (string | null)[] = [];
  const twice = new Lock(2, 60_000);
  const line = (version: string) =>
    `${JSON.stringify({ type: "ADDED", object: { metadata: { name: `c${version}`, resourceVersion: version } } })}\n`;
  await using there = await startKube((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://there");
    if (searchParams.get("watch") !== "true") {
      response.end(JSON.stringify({ items: [], metadata: { resourceVersion: "7" } }));
      return;
    }
    asked.push(searchParams.get("resourceVersion"));
    twice.unlock();
    if (asked.length > 1) return;
    response.write(line("8"));
    response.write(line("9"), () => setImmediate(() => response.destroy()));
  });
  const stop = new AbortController();
  const seen: (string | undefined)[] = [];
  const watching = (async () => {
    const kube = openKube({ kubeconfig: there.kubeconfig });
    for await (const { object } of watchObjects<KubeObject>(kube, PATH, { signal: stop.signal }))
      seen.push(object.metadata.name);
  })();
  await twice.done;
  stop.abort();
  await watching;
  expect(asked).toEqual(["7", "9"]);
  expect(seen).toEqual(["c8", "c9"]);
});
