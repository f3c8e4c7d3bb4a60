/**
 * Names of runs that events start. Webhook and dispatcher compute the same name from the same fire, so that the answer
 * to a webhook names runs that do not exist yet, and a fire delivered twice meets AlreadyExists (P1, D32, D34).
 */

/** Lower-case hex SHA-256; `core/` has no node:crypto. */
export type Digest = (text: string) => string;

/** 36^10 names: two fires of one target in a million meet with a chance of one in seven thousand. */
const SUFFIX_LENGTH = 10;

export function runName(target: string, eventUid: string, key: string, index: number, sha256: Digest): string {
  return `${target}-run-${suffix(sha256(`${eventUid}\n${key}\n${index}`))}`;
}

type Targets = readonly { readonly team?: string; readonly agent?: string }[];

/** In order of targets; the index of a name is that of its target. */
export function runNames(targets: Targets, eventUid: string, key: string, sha256: Digest): readonly string[] {
  return targets.map(({ team, agent }, index) => runName(team ?? agent ?? "", eventUid, key, index, sha256));
}

function suffix(hex: string): string {
  return BigInt(`0x${hex.slice(0, 16)}`)
    .toString(36)
    .padStart(SUFFIX_LENGTH, "0")
    .slice(-SUFFIX_LENGTH);
}
