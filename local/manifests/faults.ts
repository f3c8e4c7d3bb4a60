/** Faults of manifests in words, and as the one error that they end a command with. */
import { ArkError } from "#core/errors.ts";
import type { ManifestFault } from "./parse.ts";

type Shown = (file: string) => string;

/** `file:line: field: message`, and the hint on a line of its own. */
export function faultText({ file, line, path, message, hint }: ManifestFault, shown: Shown): string {
  const place = line === undefined ? shown(file) : `${shown(file)}:${line}`;
  const said = [place, path, message].filter((part) => part !== undefined && part !== "").join(": ");
  return hint === undefined ? said : `${said}\n  ${hint}`;
}

/** All faults in one error, each on its own line. */
export function invalidManifests(
  faults: readonly ManifestFault[],
  undone: "nothing was changed" | "nothing was started",
  shown: Shown = (file) => file,
): ArkError {
  const isAbsent = faults.every(({ absent }) => absent === true);
  const count = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  return new ArkError(
    isAbsent ? "manifest.not_found" : "manifest.invalid",
    [`${count}; ${undone}`, ...faults.map((fault) => faultText(fault, shown))].join("\n"),
    isAbsent
      ? "Give the path of a manifest, or of a folder of them."
      : "Correct what is named above; `ark validate` checks again.",
  );
}
