/** The span of a request that may hand a task over: the first one of its run's trace, or below the caller's own. */
import { parseTraceparent } from "#core/events/trace-context.ts";
import type { HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { RouterDeps } from "./deps.ts";
import type { TakeOptions } from "./take.ts";

const ROUTE = "/services/{ns}/{name}";

export type Where = { readonly namespace: string; readonly name: string };

/** `handle` gets the request as the span's own: what it causes goes on under the span. */
export async function traced(
  request: HttpRequest,
  { namespace, name }: Where,
  { spans }: Pick<RouterDeps, "spans">,
  handle: (request: HttpRequest) => Promise<HttpReply>,
): Promise<HttpReply> {
  const span = spans.begin(`POST ${ROUTE}`, {
    kind: "server",
    parent: request.headers["traceparent"],
    attributes: {
      "http.request.method": "POST",
      "http.route": ROUTE,
      "ark.namespace": namespace,
      "ark.service": name,
    },
  });
  try {
    const reply = await handle({ ...request, headers: { ...request.headers, traceparent: span.traceparent } });
    const status = "status" in reply ? reply.status : 200;
    span.set({ "http.response.status_code": status });
    span.end(status >= 500 ? String(status) : undefined);
    return reply;
  } catch (error) {
    span.end("500");
    throw error;
  }
}

/** For whatever the request causes; a line that is not well formed counts as none (W3C 3.2). */
export function contextOf({ traceparent }: HttpRequest["headers"]): Pick<TakeOptions, "traceparent"> {
  return traceparent === undefined || parseTraceparent(traceparent) === undefined ? {} : { traceparent };
}
