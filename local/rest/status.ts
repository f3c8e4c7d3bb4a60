/** Answers in the words of the Kubernetes API: a `Status` object for whatever is not an object. */
import type { HttpReply } from "#platform/http/exchange.ts";

export type Reason = "BadRequest" | "Unauthorized" | "NotFound" | "AlreadyExists" | "Conflict" | "Invalid";
const CODES: Readonly<Record<Reason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Invalid: 422,
};

export function failure(reason: Reason, message: string): HttpReply {
  const code = CODES[reason];
  return {
    kind: "json",
    status: code,
    body: { apiVersion: "v1", kind: "Status", status: "Failure", reason, message, code },
    ...(reason === "Unauthorized" && { headers: { "www-authenticate": "Bearer" } }),
  };
}

export function success(body: unknown, status = 200): HttpReply {
  return { kind: "json", status, body };
}
