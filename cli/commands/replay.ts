/** `ark replay EVENT`: sets the annotation by which its dead letters are sent again. */
import { ArkError } from "#core/errors.ts";
import { REPLAY_REQUESTED_AT } from "#core/reconcile/replay.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import type { CommonOptions } from "../options.ts";
import { printResult } from "../print.ts";

export async function replay(cluster: Cluster, name: string, options: CommonOptions, io: Io): Promise<number> {
  const { namespace, output } = options;
  const requestedAt = new Date(io.now()).toISOString();
  const patch = { metadata: { annotations: { [REPLAY_REQUESTED_AT]: requestedAt } } };
  const event = await cluster.patch("ArkEvent", { namespace, name }, patch);
  if (event === undefined)
    throw new ArkError(
      "object.not_found",
      `there is no event ${name} in namespace ${namespace}`,
      `List what is there: ark get events -n ${namespace}`,
    );
  const deadLetters = event.status?.deadLetters ?? 0;
  io.err(
    event.spec.suspended
      ? `${name} is suspended: its dead letters (${deadLetters}) are sent again once it is resumed.\n`
      : `The dead letters of ${name} (${deadLetters} when last counted) are sent again. What became of them: ark get runs\n`,
  );
  printResult(io, output, { event: name, requestedAt, deadLetters }, () => `${name}\n`);
  return EXIT.done;
}
