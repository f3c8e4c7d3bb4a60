/** Bearer tokens: read from the header alone, compared as digests in constant time (D38). */
import { createHash, timingSafeEqual } from "node:crypto";

const BEARER = /^Bearer +([\x21-\x7e]{1,4096})$/i;

/** The token of an `Authorization` header, or undefined. */
export function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : BEARER.exec(header.trim())?.[1];
}

/** `sha256:<hex>`, the form `ark-triggers` keeps. */
export function tokenDigest(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}

/**
 * Whether `token` has `digest`. Takes the same time whatever either is: an absent digest (an unknown event) is compared
 * with a digest that no token has.
 */
export function tokenMatches(token: string | undefined, digest: string | undefined): boolean {
  const given = createHash("sha256")
    .update(token ?? "")
    .digest();
  const wanted = Buffer.from((digest ?? "").replace(/^sha256:/, ""), "hex");
  const comparable = wanted.length === given.length ? wanted : Buffer.alloc(given.length);
  const equal = timingSafeEqual(given, comparable);
  return equal && token !== undefined && wanted.length === given.length;
}
