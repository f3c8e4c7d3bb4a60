/** Brings the store up to date at the start, and says what keeps guests from being held to their own (ADR 0015). */
import type { Logger } from "#core/ports/log.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";
import type { Config } from "./config.ts";

export async function provision(
  js: Pick<JetStream, "provision">,
  { natsSigning }: Pick<Config, "natsSigning">,
  log: Logger,
): Promise<void> {
  const { isOlder } = await js.provision();
  if (!isOlder || natsSigning === undefined) return;
  log.warn(
    { stream: "ARK_FACTS", next: "let all runs end, `nats stream rm ARK_FACTS`, restart the operator" },
    "the record is of the former layout: any agent's user of NATS can empty it, or write what is another's (ADR 0015)",
  );
}
