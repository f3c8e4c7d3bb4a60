import { expect, test } from "vitest";
import { PROTOCOL_HEADER } from "#core/ports/services.ts";
import { speaks } from "./spoken.ts";

const both = { protocols: ["HTTP", "A2A"] } as const;
const plain = { protocols: ["HTTP"] } as const;

test.each([
  ["both, at an address of both", both, "A2A", undefined, true],
  ["both, at the port of this one", both, "A2A", "A2A", true],
  ["both, at the port of the other one", both, "A2A", "HTTP", false],
  ["the other one alone", plain, "A2A", undefined, false],
  ["the other one alone, whatever a client says", plain, "A2A", "A2A", false],
] as const)("D42: a service that serves %s", (_what, service, protocol, here, expected) => {
  expect(speaks(service, protocol, { [PROTOCOL_HEADER]: here })).toBe(expected);
});
