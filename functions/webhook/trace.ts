/** The span of a request that fires: the first one of its runs' trace, or below the caller's own. */
import type { HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { WebhookDeps } from "./deps.ts";

const ROUTE = "/triggers/{ns}/{name}";

/** `handle` gets the line that the event carries on. */
export async function traced(
  request: HttpRequest,
  deps: WebhookDeps,
  handle: (traceparent: string) => Promise<HttpReply>,
): Promise<HttpReply> {
  const span = deps.spans.begin(`POST ${ROUTE}`, {
    kind: "server",
    parent: request.headers["traceparent"],
    attributes: {
      "http.request.method": "POST",
      "http.route": ROUTE,
      "ark.namespace": request.params["namespace"] ?? "",
      "ark.event": request.params["name"] ?? "",
    },
  });
  try {
    const reply = await handle(span.traceparent);
    const status = "status" in reply ? reply.status : 200;
    span.set({ "http.response.status_code": status });
    span.end(status >= 500 ? String(status) : undefined);
    return reply;
  } catch (error) {
    span.end("500");
    throw error;
  }
}
