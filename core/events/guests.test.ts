import { describe, expect, test } from "vitest";
import { type Guest, inboxOf, permissionsOf, SHARED } from "./guests.ts";

const WRITER = { namespace: "team-a", agent: "writer" };
const SERVICE = { namespace: "team-a", service: "writing" };

test("an executor's permissions, whole", () => {
  expect(permissionsOf(WRITER)).toMatchInlineSnapshot(`
    {
      "publish": [
        "ark.facts.team-a.*.step.>",
        "$JS.API.DIRECT.GET.ARK_FACTS.ark.facts.team-a.*.step.>",
        "ark.facts.team-a.*.turn.>",
        "$JS.API.DIRECT.GET.ARK_FACTS.ark.facts.team-a.*.turn.>",
        "$JS.API.CONSUMER.MSG.NEXT.ARK_TASKS.team-a_writer",
        "$JS.ACK.ARK_TASKS.team-a_writer.>",
        "$KV.ark-leases.team-a.>",
        "$JS.API.DIRECT.GET.KV_ark-leases.$KV.ark-leases.team-a.>",
        "$KV.ark-budgets.run.team-a.*",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.run.team-a.*",
        "$KV.ark-budgets.team.team-a.*",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.team.team-a.*",
        "$KV.ark-budgets.agent.team-a.writer",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.agent.team-a.writer",
        "$KV.ark-budgets.usage.team-a.writer.*",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.usage.team-a.writer.*",
        "$KV.ark-budgets.probe.team-a.writer.*",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.probe.team-a.writer.*",
        "$KV.ark-budgets.mcp.team-a.writer.*",
        "$JS.API.DIRECT.GET.KV_ark-budgets.$KV.ark-budgets.mcp.team-a.writer.*",
        "$KV.ark-instances.team-a.writer.*",
        "$O.ark-outputs.C.team-a.>",
        "$JS.API.DIRECT.GET.OBJ_ark-outputs.$O.ark-outputs.C.team-a.>",
        "ark.tokens.team-a.*",
        "ark.wake.team-a.-",
        "ark.wake.team-a.writer",
        "ark.hand.team-a.writer.*",
        "_INBOX.team-a.agent.writer.>",
      ],
      "subscribe": [
        "_INBOX.team-a.agent.writer.>",
        "ark.hand.team-a.writer.*",
      ],
    }
  `);
});

test("a router's permissions, whole", () => {
  expect(permissionsOf(SERVICE)).toMatchInlineSnapshot(`
    {
      "publish": [
        "ark.facts.team-a.*.run",
        "ark.events.team-a.*",
        "$KV.ark-idempotency.team-a.*",
        "$JS.API.DIRECT.GET.KV_ark-idempotency.$KV.ark-idempotency.team-a.*",
        "$JS.API.DIRECT.GET.KV_ark-triggers.$KV.ark-triggers.team-a.writing.service",
        "$JS.API.DIRECT.GET.KV_ark-runs.$KV.ark-runs.team-a.*",
        "$JS.API.DIRECT.GET.OBJ_ark-outputs.$O.ark-outputs.C.team-a.>",
        "$JS.API.DIRECT.GET.KV_ark-instances",
        "ark.wake.team-a.*",
      ],
      "subscribe": [
        "_INBOX.team-a.service.writing.>",
        "$KV.ark-runs.team-a.*",
      ],
    }
  `);
});

/** As the server matches them. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, tokens] = [pattern.split("."), subject.split(".")];
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return tokens.length > index;
    if (token !== "*" && token !== tokens[index]) return false;
  }
  return wanted.length === tokens.length;
}

describe.each<[Guest]>([[WRITER], [SERVICE]])("of %o", (guest) => {
  test("G1: every subject names its namespace, but for who is awake", () => {
    const { publish, subscribe } = permissionsOf(guest);
    const open = [...publish, ...subscribe].filter((subject) => !/\bteam-a\b|\bteam-a_/.test(subject));
    expect(open).toEqual("agent" in guest ? [] : ["$JS.API.DIRECT.GET.KV_ark-instances"]);
  });

  test("G1: none reaches the API but to read by subject and to pull", () => {
    const api = permissionsOf(guest).publish.filter((subject) => subject.startsWith("$JS.API."));
    for (const subject of api) expect(subject).toMatch(/^\$JS\.API\.(DIRECT\.GET|CONSUMER\.MSG\.NEXT)\./);
  });

  test("G2: what is not between guests is shared with their account, and asked for in the way that it is shared", () => {
    const own = [`${inboxOf(guest)}.>`, "ark.hand.team-a.writer.*"];
    const { publish, subscribe } = permissionsOf(guest);
    const shared = (as: (kind: string) => boolean, subject: string) =>
      SHARED.some((one) => as(one.as) && matches(one.subject, subject.replaceAll("*", "x").replaceAll(">", "x")));
    const alone = (subjects: readonly string[], as: (kind: string) => boolean) =>
      subjects.filter((subject) => !own.includes(subject) && !shared(as, subject));
    expect(alone(publish, (kind) => kind !== "stream")).toEqual([]);
    expect(alone(subscribe, (kind) => kind === "stream")).toEqual([]);
  });
});
