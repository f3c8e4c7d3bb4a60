/** The table of metrics that people read, and the one that the processes use, say the same. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { INSTRUMENTS } from "#core/ports/instruments.ts";

const words = (cell = "") => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

test("docs/operations.md names every instrument with its kind, unit and attributes, and no other", async () => {
  const text = await readFile("docs/operations.md", "utf8");
  const section = text.slice(text.indexOf("## Metrics"), text.indexOf("## Space"));
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1))
    .map(([name, kind = "", attributes]) => [
      words(name)[0],
      kind.split(",")[0]?.trim(),
      words(kind)[0],
      words(attributes),
    ]);
  const wanted = Object.entries(INSTRUMENTS).map(([name, { kind, unit, attributes }]) => [
    name,
    kind,
    unit,
    attributes,
  ]);
  expect(rows).toEqual(wanted);
});
