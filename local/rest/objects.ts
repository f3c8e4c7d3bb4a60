/**
 * The Ark kinds under the paths of the Kubernetes API, as far as the `ark` command needs them.
 *
 * R1  What is stored through here has passed the same checks as a manifest (P10); nothing is half done.
 * R2  Status is not writable here: its writers are the collector and the reconciler (P5).
 * R3  A change is one of what was looked at: what another writer did meanwhile is never undone by it.
 */
import { type ArkObject, type Kind, PLURALS } from "#core/api/objects.ts";
import { checkUpdate } from "#core/api/validate.ts";
import type { ObjectKey } from "#core/api/object-key.ts";
import { parseJson } from "#core/json.ts";
import type { Objects } from "#core/ports/objects.ts";
import type { HttpReply, HttpRequest, Route } from "#platform/http/exchange.ts";
import type { AdmitOutcome } from "../manifests/admit.ts";
import { mergePatch } from "./merge-patch.ts";
import { failure, success } from "./status.ts";

export type ObjectsApi = {
  readonly objects: Objects;
  readonly admit: (value: unknown) => Promise<AdmitOutcome>;
};

const KINDS: ReadonlyMap<string, Kind> = new Map(
  (Object.keys(PLURALS) as readonly Kind[]).map((kind) => [PLURALS[kind], kind]),
);
const CHANGE_TRIES = 20;
const GROUP = "/apis/arkonis.dev/v1alpha1";
const ONE = `${GROUP}/namespaces/:namespace/:plural/:name`;
const IN_NAMESPACE = `${GROUP}/namespaces/:namespace/:plural`;

export function objectRoutes(api: ObjectsApi): Route[] {
  const of = (handle: (kind: Kind, request: HttpRequest, api: ObjectsApi) => Promise<HttpReply>): Route["handle"] => {
    return async (request) => {
      const kind = KINDS.get(request.params["plural"] ?? "");
      return kind === undefined
        ? failure("NotFound", `no such kind: ${request.params["plural"]}`)
        : handle(kind, request, api);
    };
  };
  return [
    { method: "GET", path: `${GROUP}/:plural`, handle: of(listOrWatch) },
    { method: "GET", path: IN_NAMESPACE, handle: of(listOrWatch) },
    { method: "POST", path: IN_NAMESPACE, handle: of(create) },
    { method: "GET", path: ONE, handle: of(get) },
    { method: "PATCH", path: ONE, handle: of(patch) },
    { method: "PUT", path: ONE, handle: of(replace) },
    { method: "DELETE", path: ONE, handle: of(remove) },
  ];
}

function keyOf(request: HttpRequest): ObjectKey {
  return { namespace: request.params["namespace"] ?? "default", name: request.params["name"] ?? "" };
}

function notFound(kind: Kind, key: ObjectKey): HttpReply {
  return failure("NotFound", `${kind} "${key.name}" not found in namespace "${key.namespace}"`);
}

async function get(kind: Kind, request: HttpRequest, { objects }: ObjectsApi): Promise<HttpReply> {
  const object = await objects.get(kind, keyOf(request));
  return object === undefined ? notFound(kind, keyOf(request)) : success(object);
}

async function listOrWatch(kind: Kind, request: HttpRequest, { objects }: ObjectsApi): Promise<HttpReply> {
  const namespace = request.params["namespace"];
  const scope = namespace === undefined ? {} : { namespace };
  const labels = labelsOf(request.query.get("labelSelector"));
  if (labels === undefined) return failure("BadRequest", "labelSelector takes key=value pairs, joined by commas");
  const name = /^metadata\.name=(.+)$/.exec(request.query.get("fieldSelector") ?? "")?.[1];
  const wanted = (object: ArkObject): boolean =>
    (name === undefined || object.metadata.name === name) && has(object, labels);
  if (request.query.get("watch") === "true")
    return { kind: "ndjson", lines: watched(objects, kind, { ...scope, signal: request.signal }, wanted) };
  const found = await objects.list(kind, { ...scope, labels });
  const items = found.filter((object) => wanted(object)).toSorted(byName);
  return success({ apiVersion: "arkonis.dev/v1alpha1", kind: `${kind}List`, metadata: {}, items });
}

async function* watched(
  objects: Objects,
  kind: Kind,
  options: { readonly namespace?: string; readonly signal: AbortSignal },
  wanted: (object: ArkObject) => boolean,
): AsyncGenerator<unknown> {
  for await (const { type, object } of objects.watch(kind, options)) {
    if (wanted(object)) yield { type: type.toUpperCase(), object };
  }
}

async function create(kind: Kind, request: HttpRequest, api: ObjectsApi): Promise<HttpReply> {
  const value = await jsonOf(request);
  if (value === undefined) return failure("BadRequest", "the body is not a JSON object");
  const admitted = await admit(kind, request, value, api);
  if (admitted.kind === "refused") return failure("Invalid", admitted.message);
  const outcome = await api.objects.create(kind, admitted.object as never);
  if (outcome.kind === "exists")
    return failure("AlreadyExists", `${kind} "${admitted.object.metadata.name}" already exists`);
  return success(outcome.object, 201);
}

async function replace(kind: Kind, request: HttpRequest, api: ObjectsApi): Promise<HttpReply> {
  const value = await jsonOf(request);
  if (value === undefined) return failure("BadRequest", "the body is not a JSON object");
  return change(kind, request, api, () => value);
}

async function patch(kind: Kind, request: HttpRequest, api: ObjectsApi): Promise<HttpReply> {
  const value = await jsonOf(request);
  if (value === undefined) return failure("BadRequest", "the body is not a JSON object");
  return change(kind, request, api, (object) => mergePatch(object, value));
}

/** Judged against what is stored, so where that changes meanwhile it is judged anew (R3). */
async function change(
  kind: Kind,
  request: HttpRequest,
  api: ObjectsApi,
  to: (object: ArkObject) => unknown,
): Promise<HttpReply> {
  const key = keyOf(request);
  for (let tries = 0; tries < CHANGE_TRIES; tries += 1) {
    const stored = await api.objects.get(kind, key);
    if (stored === undefined) return notFound(kind, key);
    const admitted = await admit(kind, request, to(stored), api);
    if (admitted.kind === "refused") return failure("Invalid", admitted.message);
    const [fault] = checkUpdate(kind, admitted.object, stored);
    if (fault !== undefined) return failure("Invalid", `${fault.path}: ${fault.message}`);
    const written = await writeOver(kind, stored, admitted.object, api);
    if (written === "absent") return notFound(kind, key);
    if (written !== "changed") return success(written);
  }
  return failure("Conflict", `${kind} "${key.name}" was changed meanwhile`);
}

/** `changed`: `stored` is not what is stored any more, and nothing was written. */
async function writeOver(
  kind: Kind,
  stored: ArkObject,
  { metadata: { labels, annotations }, spec }: ArkObject,
  { objects }: ObjectsApi,
): Promise<ArkObject | "absent" | "changed"> {
  const { namespace = "default", name = "", resourceVersion } = stored.metadata;
  let isSame = true;
  const outcome = await objects.update(kind, { namespace, name }, (object) => {
    isSame = object.metadata.resourceVersion === resourceVersion;
    if (!isSame) return object;
    const { labels: _labels, annotations: _annotations, ...metadata } = object.metadata;
    const changed = { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) };
    return { ...object, spec, metadata: changed } as never;
  });
  if (outcome.kind !== "updated") return outcome.kind === "absent" ? "absent" : "changed";
  return isSame ? outcome.object : "changed";
}

async function remove(kind: Kind, request: HttpRequest, { objects }: ObjectsApi): Promise<HttpReply> {
  const key = keyOf(request);
  const outcome = await objects.delete(kind, key);
  if (outcome === "absent") return notFound(kind, key);
  return success({ apiVersion: "v1", kind: "Status", status: "Success", details: { name: key.name, kind } });
}

/** The path names kind and namespace; `generateName` becomes a name. */
async function admit(kind: Kind, request: HttpRequest, value: unknown, api: ObjectsApi): Promise<AdmitOutcome> {
  const given = value as { kind?: string; metadata?: Record<string, unknown> };
  if (given.kind !== undefined && given.kind !== kind)
    return { kind: "refused", message: `kind: is ${given.kind}, but the path is that of ${kind}` };
  const metadata: Record<string, unknown> = { ...given.metadata, namespace: request.params["namespace"] };
  if (metadata["name"] === undefined && typeof metadata["generateName"] === "string")
    metadata["name"] = `${metadata["generateName"]}${crypto.randomUUID().slice(0, 6)}`;
  return api.admit({ ...given, apiVersion: "arkonis.dev/v1alpha1", kind, metadata });
}

async function jsonOf(request: HttpRequest): Promise<object | undefined> {
  const body = await request.body();
  if (body.kind !== "read") return undefined;
  const value = parseJson(new TextDecoder().decode(body.bytes));
  return typeof value === "object" && value !== null ? value : undefined;
}

function labelsOf(selector: string | null): Readonly<Record<string, string>> | undefined {
  const pairs = (selector ?? "").split(",").filter((pair) => pair !== "");
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const [, key, value] = /^([^=!]+)==?([^=]*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) return undefined;
    labels[key] = value;
  }
  return labels;
}

function has(object: ArkObject, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => object.metadata.labels?.[key] === value);
}

function byName(a: ArkObject, b: ArkObject): number {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return (left ?? "") < (right ?? "") ? -1 : 1;
}
