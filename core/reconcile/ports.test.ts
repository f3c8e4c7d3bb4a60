import { expect, test } from "vitest";
import type { ArkService } from "#core/api/v1alpha1/ark-service.ts";
import { assignPorts, portConflict } from "./ports.ts";

type Given = { readonly key: string; readonly born?: string; readonly http?: number; readonly a2a?: number };

function service({ key, born, http, a2a }: Given): ArkService {
  const [namespace = "", name = ""] = key.split("/");
  return {
    apiVersion: "arkonis.dev/v1alpha1",
    kind: "ArkService",
    metadata: { namespace, name, ...(born !== undefined && { creationTimestamp: `2026-01-01T00:00:${born}Z` }) },
    spec: {
      selector: { arkAgent: "writer" },
      routing: { strategy: "random" },
      ports: [
        ...(http === undefined ? [] : [{ protocol: "HTTP" as const, port: http }]),
        ...(a2a === undefined ? [] : [{ protocol: "A2A" as const, port: a2a }]),
      ],
    },
  };
}

const RULES = { reserved: new Map([[8092, "the front door's"]]), most: 3 };

/** `<key> <ports it has>: <what is refused>`, by key. */
function decided(given: readonly Given[]): string[] {
  return [...assignPorts(given.map(service), RULES)]
    .map(([key, { won, refused }]) => `${key} ${won.map(({ port }) => port).join(",")}: ${refused.join("; ")}`)
    .toSorted();
}

const cases: readonly (readonly [why: string, given: readonly Given[], expected: readonly string[]])[] = [
  [
    "each has its own",
    [
      { key: "a/x", http: 1, a2a: 2 },
      { key: "b/x", http: 3 },
    ],
    ["a/x 1,2: ", "b/x 3: "],
  ],
  [
    "the older one has it, whatever it is called (N1, N2); the other port stays (N3)",
    [
      { key: "a/new", born: "02", http: 3, a2a: 2 },
      { key: "z/old", born: "01", a2a: 2 },
    ],
    ["a/new 3: spec.ports[1].port: ArkService z/old has 2", "z/old 2: "],
  ],
  [
    "of one age: by namespace and name",
    [
      { key: "b/a", born: "01", http: 2 },
      { key: "a/b", born: "01", http: 2 },
    ],
    ["a/b 2: ", "b/a : spec.ports[0].port: ArkService a/b has 2"],
  ],
  [
    "one without an age is the youngest",
    [
      { key: "a/a", http: 2 },
      { key: "b/b", born: "59", http: 2 },
    ],
    ["a/a : spec.ports[0].port: ArkService b/b has 2", "b/b 2: "],
  ],
  [
    "a port of the installation's own is nobody's",
    [{ key: "a/a", http: 8092, a2a: 1 }],
    ["a/a 1: spec.ports[0].port: 8092 is the front door's"],
  ],
  [
    "the youngest goes without when there are too many",
    [
      { key: "a/a", born: "03", http: 9, a2a: 8 },
      { key: "b/b", born: "01", http: 1, a2a: 2 },
    ],
    ["a/a 9: spec.ports[1].port: 8 is one too many: 3 ports are opened at most", "b/b 1,2: "],
  ],
];
test.each(cases)("D42: %s", (_why, given, expected) => {
  expect(decided(given)).toEqual(expected);
  expect(decided(given.toReversed())).toEqual(expected);
});

test("what is refused and what cannot be opened is told together; what is well is not told", () => {
  const one = service({ key: "a/a", http: 8092, a2a: 80 });
  const decision = assignPorts([one], RULES).get("a/a") ?? { won: [], refused: [] };
  expect(portConflict(one, decision, () => undefined)).toBe("spec.ports[0].port: 8092 is the front door's");
  expect(portConflict(one, decision, (port) => (port === 80 ? "EACCES" : "never asked"))).toBe(
    "spec.ports[0].port: 8092 is the front door's; spec.ports[1].port: 80 cannot be opened: EACCES",
  );
  expect(portConflict(one, { won: [], refused: [] }, () => "never asked")).toBeUndefined();
});
