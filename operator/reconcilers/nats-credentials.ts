/** As whom the pods of a namespace sign in to NATS: a Secret there, where the operator is told of one. */
import type { Deps } from "../deps.ts";
import { NATS_CREDS } from "../resources/pod.ts";

/** Why they could not sign in, or undefined. */
export async function natsFault(
  namespace: string,
  { config, references }: Pick<Deps, "config" | "references">,
): Promise<string | undefined> {
  const { natsSecret } = config.executor;
  if (natsSecret === undefined) return undefined;
  const { value } = await references.secret(namespace, natsSecret);
  return value(NATS_CREDS) ? undefined : `Secret "${natsSecret}" has no key "${NATS_CREDS}": the user for NATS`;
}
