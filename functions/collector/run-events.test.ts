import { expect, test } from "vitest";
import { previewOf } from "#core/events/text.ts";
import { Lived, teamSpec } from "#core/pipeline/testing.ts";
import { runEvent } from "./run-events.ts";

const live = (step: object) => new Lived(teamSpec({ pipeline: [{ role: "a", ...step }] }));
const busy = { kind: "failed", code: "provider.rate_limited", message: "busy", mayPass: true } as const;

test("api 16: a run that waits says since when and for what; each retry is an event of its own", () => {
  const backoff = { duration: "10s", factor: 1, cap: "10s" };
  const run = live({ retry: { limit: 2, backoff } });
  run.finish("a", busy);
  const since = run.clock;
  const [started, waiting] = run.of("emit").map((command) => runEvent(run.state, command, run.status()));
  expect(started?.cloudEvent).toMatchObject({ type: "dev.ark.run.started", id: "uid-1/emit/dev.ark.run.started" });
  expect(waiting).toMatchObject({
    key: "emit/dev.ark.run.waiting.a.0.1",
    cloudEvent: {
      id: "uid-1/emit/dev.ark.run.waiting.a.0.1",
      type: "dev.ark.run.waiting",
      subject: "run",
      time: new Date(since).toISOString(),
      data: { run: "run", phase: "Running", reason: "Waiting", message: "0 of 1 steps ended; step a: a retry" },
    },
  });
});

test("a run's end has its output, and the time of its end", () => {
  const run = live({});
  run.finish("a", "the end");
  const [, ended] = run.of("emit").map((command) => runEvent(run.state, command, run.status()));
  expect(ended?.cloudEvent).toMatchObject({
    id: "uid-1/emit/dev.ark.run.succeeded",
    time: new Date(run.clock).toISOString(),
    data: { phase: "Succeeded", output: previewOf({ inline: "the end" }) },
  });
});
