/** What is spoken to a service where a request comes in. */
import { PROTOCOL_HEADER, type ServicePort, type ServiceRecord } from "../ports/services.ts";

/** At a port of its own that port's protocol alone, elsewhere all of them. */
export function speaks(
  { protocols }: Pick<ServiceRecord, "protocols">,
  protocol: ServicePort["protocol"],
  headers: Readonly<Record<string, string | undefined>>,
): boolean {
  const here = headers[PROTOCOL_HEADER];
  return protocols.includes(protocol) && (here === undefined || here === protocol);
}
