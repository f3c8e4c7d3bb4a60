/** The span of a request that may hand a task over: the first one of its run's trace, or below the caller's own. */
import { parseTraceparent } from "#core/events/trace-context.ts";
import { underRequestSpan } from "#core/ports/request-span.ts";
import type { HttpReply, HttpRequest } from "#platform/http/exchange.ts";
import type { RouterDeps } from "./deps.ts";
import type { TakeOptions } from "./take.ts";

const ROUTE = "/services/{ns}/{name}";

export type Where = { readonly namespace: string; readonly name: string };

/** `handle` gets the request as the span's own: what it causes goes on under the span. */
export function traced(
  request: HttpRequest,
  { namespace, name }: Where,
  { spans }: Pick<RouterDeps, "spans">,
  handle: (request: HttpRequest) => Promise<HttpReply>,
): Promise<HttpReply> {
  const { headers } = request;
  const attributes = { "ark.namespace": namespace, "ark.service": name };
  return underRequestSpan(
    spans,
    { method: "POST", route: ROUTE, parent: headers["traceparent"], attributes },
    (traceparent) => handle({ ...request, headers: { ...headers, traceparent } }),
  );
}

/** For whatever the request causes; a line that is not well formed counts as none (W3C 3.2). */
export function contextOf({ traceparent }: HttpRequest["headers"]): Pick<TakeOptions, "traceparent"> {
  return traceparent === undefined || parseTraceparent(traceparent) === undefined ? {} : { traceparent };
}
