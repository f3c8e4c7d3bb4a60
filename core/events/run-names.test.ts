import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";
import { runName, runNames } from "./run-names.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("P1: the same fire of the same target has one name, another fire, event or target another", () => {
  const name = runName("blog", "uid", "key", 0, sha256);
  expect(runName("blog", "uid", "key", 0, sha256)).toBe(name);
  const others = [
    runName("blog", "uid", "key", 1, sha256),
    runName("blog", "uid", "kez", 0, sha256),
    runName("blog", "uie", "key", 0, sha256),
  ];
  expect(new Set([name, ...others]).size).toBe(4);
  expect(runNames([{ team: "blog" }, { agent: "clerk" }], "uid", "key", sha256)).toEqual([
    name,
    runName("clerk", "uid", "key", 1, sha256),
  ]);
});

test("D34: 20,000 fires have 20,000 names, each a DNS label even for the longest team", () => {
  const team = "t".repeat(40);
  const names = new Set(Array.from({ length: 20_000 }, (_, i) => runName(team, "uid", `key-${i}`, 0, sha256)));
  expect(names.size).toBe(20_000);
  for (const name of names) {
    expect(name.length).toBeLessThanOrEqual(63);
    expect(name).toMatch(DNS_LABEL);
  }
});
