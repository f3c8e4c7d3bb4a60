import * as path from "node:path";

/** Where downloaded servers are kept. XDG base directories: an unset, empty or relative value means `~/.cache`. */
export function cacheDir(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const base = env["XDG_CACHE_HOME"];
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(home, ".cache"), "ark");
}
