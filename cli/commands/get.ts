/** `ark get KIND [NAME]`: objects as columns, or whole. */
import type { ArkObject, Kind } from "#core/api/objects.ts";
import { ArkError } from "#core/errors.ts";
import type { Cluster } from "../cluster.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { kindOf } from "../kinds.ts";
import { labelsOption, usage, type CommonOptions, type OutputFormat } from "../options.ts";
import { printResult } from "../print.ts";
import { objectTable } from "../render/columns.ts";

export type GetOptions = Omit<CommonOptions, "output"> & {
  readonly output: OutputFormat | "wide" | "name";
  readonly selector?: string;
  readonly allNamespaces?: boolean;
};

export async function get(
  cluster: Cluster,
  kindName: string,
  name: string | undefined,
  options: GetOptions,
  io: Io,
): Promise<number> {
  const slash = kindName.indexOf("/");
  const kind = kindOf(slash < 0 ? kindName : kindName.slice(0, slash));
  const wanted = name ?? (slash < 0 ? undefined : kindName.slice(slash + 1));
  if (wanted !== undefined) return printOne(await one(cluster, kind, wanted, options), kind, options, io);
  const namespace = options.allNamespaces === true ? {} : { namespace: options.namespace };
  const objects = await cluster.list(kind, { ...namespace, labels: labelsOption(options.selector) });
  if (objects.length === 0)
    io.err(`No ${kind} in ${options.allNamespaces === true ? "any namespace" : `namespace ${options.namespace}`}.\n`);
  printList(objects, kind, options, io);
  return EXIT.done;
}

async function one(cluster: Cluster, kind: Kind, name: string, options: GetOptions): Promise<ArkObject> {
  if (options.allNamespaces === true || options.selector !== undefined) {
    throw usage("a name excludes -A and -l", "Name the namespace with -n.");
  }
  const { namespace } = options;
  const object = await cluster.get(kind, { namespace, name });
  if (object !== undefined) return object;
  const hint = `List what is there: ark get ${kind.toLowerCase()} -n ${namespace}`;
  throw new ArkError("object.not_found", `there is no ${kind} ${name} in namespace ${namespace}`, hint);
}

function printOne(object: ArkObject, kind: Kind, options: GetOptions, io: Io): number {
  if (options.output === "json" || options.output === "yaml") printResult(io, options.output, object, () => "");
  else printList([object], kind, options, io);
  return EXIT.done;
}

function printList(objects: readonly ArkObject[], kind: Kind, options: GetOptions, io: Io): void {
  const { output } = options;
  if (output === "json" || output === "yaml") {
    const list = { apiVersion: "v1", kind: "List", metadata: {}, items: objects };
    return printResult(io, output, list, () => "");
  }
  if (output === "name") {
    for (const { metadata } of objects) io.out(`${kind.toLowerCase()}/${metadata.name ?? ""}\n`);
    return;
  }
  if (objects.length === 0) return;
  const namespaces = options.allNamespaces === true;
  io.out(objectTable(kind, objects, { now: io.now(), wide: output === "wide", namespaces }));
}
