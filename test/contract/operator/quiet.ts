/** A logger that says nothing. */
import type { Logger } from "#core/ports/log.ts";

export const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => QUIET };
