/** An ArkEvent of the webhook type as the operator leaves it: the object, and what the webhook function knows of it. */
import type { ArkEvent } from "#core/api/v1alpha1/ark-event.ts";
import { API_VERSION } from "#core/api/v1alpha1/common.ts";
import { tokenDigest } from "#platform/http/bearer.ts";
import type { JetStream } from "#platform/jetstream/jetstream.ts";

type Declared = {
  readonly namespace: string;
  readonly name: string;
  readonly token: string;
  /** Without inputs. */
  readonly targets: ArkEvent["spec"]["targets"];
};

export async function declareWebhook(
  js: Pick<JetStream, "objects" | "triggers">,
  { namespace, name, token, targets }: Declared,
): Promise<void> {
  const created = await js.objects.create("ArkEvent", {
    apiVersion: API_VERSION,
    kind: "ArkEvent",
    metadata: { namespace, name },
    spec: { source: { type: "webhook" }, targets, concurrencyPolicy: "Allow", suspended: false },
  });
  await js.triggers.put({
    namespace,
    name,
    uid: created.object.metadata.uid ?? "",
    generation: 1,
    type: "webhook",
    tokenDigest: tokenDigest(token),
    suspended: false,
    concurrencyPolicy: "Allow",
    targets: targets.map(({ team, agent }) => ({
      hasInput: false,
      ...(team !== undefined && { team }),
      ...(agent !== undefined && { agent }),
    })),
  });
}
