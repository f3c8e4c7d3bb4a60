import { expect, test } from "vitest";
import { bearerToken, tokenDigest, tokenMatches } from "./bearer.ts";

test("D38: a token is read from the Authorization header alone, in one form", () => {
  expect(bearerToken("Bearer abc")).toBe("abc");
  expect(bearerToken("bearer  abc")).toBe("abc");
  for (const header of [undefined, "", "abc", "Basic abc", "Bearer", "Bearer a b", `Bearer ${"x".repeat(4097)}`])
    expect(bearerToken(header)).toBeUndefined();
});

test("D38: only the token with the digest matches; an absent or broken digest matches nothing", () => {
  const digest = tokenDigest("secret");
  expect(tokenMatches("secret", digest)).toBe(true);
  expect(tokenMatches("secres", digest)).toBe(false);
  expect(tokenMatches(undefined, digest)).toBe(false);
  expect(tokenMatches("", undefined)).toBe(false);
  expect(tokenMatches(undefined, tokenDigest(""))).toBe(false);
  expect(tokenMatches("secret", undefined)).toBe(false);
  expect(tokenMatches("secret", "sha256:zz")).toBe(false);
});
