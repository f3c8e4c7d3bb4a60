/** Which ArkEvent a request would fire (api 13); undefined for any other request. */
import type { IncomingMessage } from "node:http";
import { DNS_LABEL } from "#core/api/v1alpha1/common.ts";

const FIRE_PATH = /^\/triggers\/([^/]+)\/([^/]+)(\/fire)?$/;

export function eventAt(
  { method }: Pick<IncomingMessage, "method">,
  pathname: string,
): { readonly namespace: string; readonly event: string } | undefined {
  const [, namespace = "", event = ""] = FIRE_PATH.exec(pathname) ?? [];
  return method === "POST" && DNS_LABEL.test(namespace) && DNS_LABEL.test(event) ? { namespace, event } : undefined;
}
