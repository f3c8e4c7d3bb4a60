/** What an error of the client says: whose fault it is, and why, for people. */
import { causes, innermostReason } from "#core/causes.ts";

/** JSON-RPC leaves -32000 to -32099 to implementations. */
export const STREAM_ENDED = -32_099;

/** By which a server refuses a client certificate, or asks for one. */
const CERTIFICATE_ALERT =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA|ACCESS_DENIED)/;
/** nginx's words for the same, behind a handshake that it lets pass. */
const CERTIFICATE_PAGE = /\b(required SSL certificate|SSL certificate error)/;

/** An answer of the server's own, which leaves the connection good. */
export function isProtocolError(error: unknown): boolean {
  return (
    error instanceof Error && error.name === "ProtocolError" && (error as { code?: unknown }).code !== STREAM_ENDED
  );
}

/** The HTTP status an SDK error is about, also where a probe wrapped it. */
export function statusOf(error: unknown): number | undefined {
  for (const one of causes(error)) {
    const { status, code, data } = one as Error & { status?: unknown; code?: unknown; data?: { status?: unknown } };
    for (const value of [status, data?.status, code]) if (typeof value === "number" && value >= 300) return value;
  }
  return undefined;
}

export function reasonOf(error: unknown): string {
  const status = statusOf(error);
  if (status === 401 || status === 403) return `AuthFailed: the server answered ${status}`;
  const reason = innermostReason(error);
  if (hasCode(error, CERTIFICATE_ALERT)) return `AuthFailed: ${reason}`;
  if (status === 400 && CERTIFICATE_PAGE.test(reason)) return "AuthFailed: the server refused the client certificate";
  return reason;
}

/** Whether it is a fault of the system, or of Node, of such a code. */
export function hasCode(error: unknown, pattern: RegExp): boolean {
  return causes(error).some((one) => "code" in one && typeof one.code === "string" && pattern.test(one.code));
}
