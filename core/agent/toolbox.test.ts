import { expect, test } from "vitest";
import { joinTools, type ServerHealth, type ToolServer, type ToolServerListing } from "./toolbox.ts";
import { toolName } from "./tool-name.ts";

const never = new AbortController().signal;
const spec = (name: string) => ({ name, description: "", inputSchema: { type: "object" } });

function server(name: string, listing: () => ToolServerListing): ToolServer & { closed: number; lists: number } {
  const made = {
    name,
    url: `http://${name}`,
    closed: 0,
    lists: 0,
    list: async () => {
      made.lists++;
      return listing();
    },
    call: async (tool: string) => ({ kind: "result" as const, text: `${name} ran ${tool}` }),
    close: async () => void made.closed++,
  };
  return made;
}

test("X1, X2: tools are ordered by name, and an unreachable server lacks alone", async () => {
  const listing: { now: ToolServerListing } = { now: { kind: "tools", tools: [spec("b"), spec("a")] } };
  const one = server("one", () => listing.now);
  const two = server("two", () => ({ kind: "tools", tools: [spec("x")] }));
  const single = { spec: spec("hook"), call: async () => ({ kind: "result" as const, text: "hooked" }) };
  const seen: ServerHealth[][] = [];
  const tools = joinTools([two, one], [single], (found) => seen.push([...found]));
  const names = async () => (await tools.list(never)).map(({ name }) => name);
  expect(await names()).toEqual(["hook", "one__a", "one__b", "two__x"]);
  listing.now = { kind: "unreachable", reason: "away" };
  expect(await names()).toEqual(["hook", "two__x"]);
  expect(seen.at(-1)).toContainEqual({ name: "one", url: "http://one", healthy: false, message: "away" });
  // Another task was offered it before: what it becomes of is the server's to say.
  expect(await tools.call("one__a", {}, { idempotencyKey: "k" }, never)).toMatchObject({ text: "one ran a" });
  expect(seen.at(-1)).toEqual([{ name: "one", url: "http://one", healthy: true }]);
  expect(await tools.call("hook", {}, { idempotencyKey: "k" }, never)).toMatchObject({ text: "hooked" });
  expect(seen).toHaveLength(3);
  await tools.close();
  expect([one.closed, two.closed]).toEqual([1, 1]);
});

test("X5: a listing that its task gave up says nothing of the servers", async () => {
  const stop = new AbortController();
  const seen: ServerHealth[] = [];
  const slow = server("slow", () => {
    stop.abort();
    return { kind: "unreachable", reason: "the task was stopped" };
  });
  const tools = joinTools([slow], [], (found) => seen.push(...found));
  expect(await tools.list(stop.signal)).toEqual([]);
  expect(seen).toEqual([]);
});

test.each([
  ["tool.unreachable", false, [false]],
  ["tool.unreachable", true, []],
  ["tool.failed", false, []],
] as const)(
  "X5: a call that ends with %s, its task given up: %s, says of the server %j",
  async (code, given, wanted) => {
    const stop = new AbortController();
    const seen: boolean[] = [];
    const one = server("one", () => ({ kind: "tools", tools: [spec("a")] }));
    const failing = {
      ...one,
      call: async () => {
        if (given) stop.abort();
        return { kind: "error" as const, code, text: "", mayPass: false };
      },
    };
    const tools = joinTools([failing], [], (found) => seen.push(...found.map(({ healthy }) => healthy)));
    await tools.list(never);
    await tools.call("one__a", {}, { idempotencyKey: "k" }, stop.signal);
    expect(seen).toEqual([true, ...wanted]);
  },
);

test("X3: an invented name is answered with the names there are; a first call lists first", async () => {
  const one = server("one", () => ({ kind: "tools", tools: [spec("a")] }));
  const tools = joinTools([one], []);
  expect(await tools.call("one__b", {}, { idempotencyKey: "k" }, never)).toEqual({
    kind: "error",
    code: "tool.unknown",
    text: 'there is no tool "one__b"; callable now: one__a',
    mayPass: false,
  });
  expect(one.lists).toBe(1);
});

test("names that models may not call are changed, and never fall together", () => {
  expect(toolName("wiki", "search")).toBe("wiki__search");
  expect(toolName("wiki", "a.b")).toMatch(/^wiki__a_b_[0-9a-f]{8}$/);
  expect(toolName("wiki", "a.b")).not.toBe(toolName("wiki", "a/b"));
  const long = toolName("wiki", "x".repeat(100));
  expect(long).toHaveLength(64);
  expect(long).not.toBe(toolName("wiki", "x".repeat(101)));
});
