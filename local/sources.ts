/**
 * Brings the objects of the manifests into the store, and takes out those that are no longer in them.
 *
 * M1  A manifest with a fault changes nothing at all (P10).
 * M2  Only what came from manifests goes with them: objects made by hand stay.
 * M3  An ArkRun in a manifest is made once, as `kubectl create` would.
 * M4  A source that goes away is read again when it comes back.
 */
import { existsSync, type FSWatcher, watch } from "node:fs";
import * as path from "node:path";
import { keyOf } from "#core/api/object-key.ts";
import type { ArkObject, Kind, ObjectOf } from "#core/api/objects.ts";
import type { Logger } from "#core/ports/log.ts";
import type { Objects } from "#core/ports/objects.ts";
import { applyIfChanged } from "./changes.ts";
import { Coalesced } from "./coalesce.ts";
import { LOCAL_ONLY } from "#core/validate/texts.ts";
import { type Admitted, admitAll } from "./manifests/admit.ts";
import type { ManifestFault } from "./manifests/parse.ts";
import { readManifests } from "./manifests/read.ts";
import type { ManifestValues } from "./secrets.ts";

const MANAGED_BY = "app.kubernetes.io/managed-by";
const MANAGER = "ark-up";
const APPLIED = ["ArkSettings", "ArkAgent", "ArkTeam", "ArkEvent", "ArkService"] as const satisfies readonly Kind[];
const SETTLE_MS = 200;

export type SourcesDeps = {
  readonly objects: Objects;
  /** ConfigMaps and Secrets of the manifests; before the objects that refer to them. */
  readonly onValues: (values: ManifestValues) => void;
  /** After everything of the manifests is stored. */
  readonly onApplied: () => void;
  readonly log: Logger;
  readonly adjust?: (object: ArkObject) => ArkObject;
};

export type Loaded = Admitted & { readonly watched: readonly string[] };

export async function loadSources(sources: readonly string[]): Promise<Loaded> {
  const read = await readManifests(sources);
  const admitted = await admitAll(read.documents);
  return { ...admitted, faults: [...read.faults, ...admitted.faults], watched: read.watched };
}

export class Sources {
  readonly #sources: readonly string[];
  readonly #deps: SourcesDeps;
  readonly #reload: Coalesced;
  #watchers: readonly FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #faults: readonly ManifestFault[] = [];
  /** Said already: a reading after a change does not say them again. */
  readonly #warned = new Set<string>();

  constructor(sources: readonly string[], deps: SourcesDeps) {
    this.#sources = sources;
    this.#deps = deps;
    this.#reload = new Coalesced(
      () => this.#load(),
      (error) => deps.log.error({ err: error }, "manifests could not be applied"),
    );
  }

  /** Of the newest reading; empty when it is in effect. */
  get faults(): readonly ManifestFault[] {
    return this.#faults;
  }

  async reload(): Promise<void> {
    this.#reload.poke();
    await this.#reload.idle();
  }

  /** A reading under way ends first; it watches nothing any more, which would keep the process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    await this.#reload.idle();
  }

  async #load(): Promise<void> {
    const loaded = await loadSources(this.#sources);
    this.#watch(loaded.watched);
    this.#faults = loaded.faults;
    if (loaded.faults.length > 0) {
      for (const { file, line, path, message, hint } of loaded.faults)
        this.#deps.log.error({ file, line, path, fault: message, hint }, "manifest refused; what was in effect stays");
      return;
    }
    this.#warn(loaded.warnings);
    await this.#apply(loaded);
  }

  #warn(warnings: readonly ManifestFault[]): void {
    for (const { file, line, path, message, hint } of warnings) {
      const key = JSON.stringify([file, path, message]);
      if (message === LOCAL_ONLY || this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#deps.log.warn(
        { file, line, path, warning: message, hint },
        "manifest in effect, perhaps not as it is meant",
      );
    }
  }

  async #apply({ objects: read, ...values }: Loaded): Promise<void> {
    const { objects, onApplied, onValues, adjust } = this.#deps;
    const wanted = adjust === undefined ? read : read.map(adjust);
    onValues(values);
    for (const kind of APPLIED) await this.#applyKind(kind, wanted);
    for (const run of wanted) if (run.kind === "ArkRun") await objects.create("ArkRun", run);
    onApplied();
  }

  async #applyKind<K extends (typeof APPLIED)[number]>(kind: K, wanted: readonly ArkObject[]): Promise<void> {
    const { objects } = this.#deps;
    const stored = new Map((await objects.list(kind)).map((object) => [keyOf(object), object]));
    const present = new Set<string>();
    for (const object of wanted) {
      if (object.kind !== kind) continue;
      present.add(keyOf(object));
      await applyIfChanged(objects, kind, stored.get(keyOf(object)), managed(object as ObjectOf<K>));
    }
    for (const [key, object] of stored) {
      if (present.has(key) || object.metadata.labels?.[MANAGED_BY] !== MANAGER) continue;
      const { namespace = "default", name = "" } = object.metadata;
      await objects.delete(kind, { namespace, name });
    }
  }

  #watch(files: readonly string[]): void {
    for (const watcher of this.#watchers) watcher.close();
    if (this.#stopped) return;
    const changed = () => this.#soon();
    this.#watchers = files.flatMap((file) => watchNearest(file, changed)?.on("error", changed) ?? []);
  }

  /** Editors write a file in several steps. */
  #soon(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reload.poke(), SETTLE_MS);
  }
}

/** M4: of a file that is not there, the folder around it tells. */
function watchNearest(file: string, changed: () => void): FSWatcher | undefined {
  let below: string | undefined;
  for (let at = file; ; at = path.dirname(at)) {
    const awaited = below;
    const isMeant = (name: string | null) => awaited === undefined || name === null || name === awaited;
    try {
      const watcher = watch(at, (_, name) => {
        if (isMeant(name)) changed();
      });
      // What came back before anybody watched is told by nobody.
      if (awaited !== undefined && existsSync(path.join(at, awaited))) changed();
      return watcher;
    } catch {
      if (path.dirname(at) === at) return undefined;
      below = path.basename(at);
    }
  }
}

function managed<T extends ArkObject>(object: T): T {
  const labels = { ...object.metadata.labels, [MANAGED_BY]: MANAGER };
  return { ...object, metadata: { ...object.metadata, labels } };
}
