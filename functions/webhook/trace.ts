/** The span of a request that fires: the first one of its runs' trace, or below the caller's own. */
import { underRequestSpan } from "#core/ports/request-span.ts";
import type { HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";

const ROUTE = "/triggers/{ns}/{name}";

/** `handle` gets the line that the event carries on. */
export function traced(
  { headers, params }: HttpRequest,
  { spans }: Pick<WebhookDeps, "spans">,
  handle: (traceparent: string) => Promise<HttpReply>,
): Promise<HttpReply> {
  const attributes = { "ark.namespace": params["namespace"] ?? "", "ark.event": params["name"] ?? "" };
  return underRequestSpan(spans, { method: "POST", route: ROUTE, parent: headers["traceparent"], attributes }, handle);
}
