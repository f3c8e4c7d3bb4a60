import { expect, test } from "vitest";
import { shownUrl } from "./shown-url.ts";

test.each([
  ["https://wiki.tools.svc/mcp", "https://wiki.tools.svc/mcp"],
  ["https://me:s3cret@wiki/mcp?token=s3cret#s3cret", "https://wiki/mcp"],
  ["http://wiki/mcp/@all?x=1", "http://wiki/mcp/@all"],
  ["http://wiki?token=\ns3cret", "http://wiki"],
  ["stdio:npx files /srv", "stdio:npx files /srv"],
])("P7: of %j people see %j", (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
