/**
 * CloudEvents over HTTP (HTTP binding 1.0.2): binary, structured, batched, by the `cloudevents` package.
 *
 * K1  The package invents `id` and `time` where they are missing, and guesses at JSON that does not parse: here an
 *     event without id is refused, a missing time stays missing, and data is what its content type says, or refused.
 */
import { CloudEvent, HTTP, type CloudEventV1 } from "cloudevents";
import type { CloudEventRecord } from "#core/ports/events.ts";

export type ParsedEvents =
  | { readonly kind: "events"; readonly events: readonly CloudEventRecord[] }
  /** No CloudEvent at all: plain content. */
  | { readonly kind: "none" }
  | { readonly kind: "invalid"; readonly detail: string };

type Headers = Readonly<Record<string, string>>;

const REQUIRED = ["id", "source", "type"] as const;
const ATTRIBUTES = new Set([
  ...REQUIRED,
  "specversion",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "data",
  "data_base64",
]);
const MAX_BATCH = 100;

/** Never throws. */
export function parseCloudEvents(headers: Headers, body: string): ParsedEvents {
  const contentType = (headers["content-type"] ?? "").toLowerCase();
  try {
    if (contentType.startsWith("application/cloudevents-batch")) return { kind: "events", events: batched(body) };
    if (contentType.startsWith("application/cloudevents")) return { kind: "events", events: [structured(body)] };
    if (headers["ce-specversion"] === undefined && headers["ce-id"] === undefined) return { kind: "none" };
    return { kind: "events", events: [binary(headers, contentType, body)] };
  } catch (error) {
    return { kind: "invalid", detail: firstLines(error) };
  }
}

/** Headers and body of one event in binary mode, for posting to a Broker. */
export function toBinaryMessage(event: CloudEventRecord): { headers: Record<string, string>; body: string } {
  const { extensions, data, ...attributes } = event;
  const datacontenttype = event.datacontenttype ?? "application/json";
  const message = HTTP.binary(new CloudEvent({ ...attributes, ...extensions, datacontenttype }));
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = percentEncoded(String(value));
  }
  headers["content-type"] = datacontenttype;
  if (event.time === undefined) delete headers["ce-time"];
  const asIs = typeof data === "string" && !isJson(datacontenttype);
  return { headers, body: data === undefined ? "" : asIs ? data : JSON.stringify(data) };
}

/** HTTP binding 3.1.3.2; a lone surrogate has no encoding, so it becomes the replacement character. */
function percentEncoded(value: string): string {
  return value.replace(/\p{Surrogate}/gu, "\ufffd").replace(/[^\x21\x23\x24\x26-\x7e]/gu, encodeURIComponent);
}

function binary(headers: Headers, contentType: string, body: string): CloudEventRecord {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // HTTP binding 3.1.3.2: header values are percent-encoded.
    if (name.startsWith("ce-")) given[name.slice(3)] = decodeURIComponent(value);
  }
  demand(given);
  const ceHeaders = Object.fromEntries(Object.entries(given).map(([name, value]) => [`ce-${name}`, value]));
  const parsed: unknown = HTTP.toEvent({ headers: ceHeaders, body: undefined });
  const event = strict({ ...(parsed as CloudEventV1<unknown>) });
  const data = body === "" ? {} : { data: isJson(contentType) ? JSON.parse(body) : body };
  return record(event, given, { ...data, ...(contentType === "" ? {} : { datacontenttype: contentType }) });
}

function structured(body: string): CloudEventRecord {
  return fromJson(JSON.parse(body));
}

function batched(body: string): readonly CloudEventRecord[] {
  const items: unknown = JSON.parse(body);
  if (!Array.isArray(items)) throw new TypeError("a batch is a JSON array of events");
  if (items.length === 0 || items.length > MAX_BATCH) throw new TypeError(`a batch holds 1 to ${MAX_BATCH} events`);
  return items.map(fromJson);
}

function fromJson(json: unknown): CloudEventRecord {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new TypeError("an event is an object");
  const given = json as Record<string, unknown>;
  demand(given);
  const { data, data_base64, ...attributes } = given;
  const event = strict(attributes);
  const decoded = typeof data_base64 === "string" ? Buffer.from(data_base64, "base64").toString() : undefined;
  const type = event.datacontenttype;
  const value = decoded === undefined ? data : isJson(type ?? "application/json") ? JSON.parse(decoded) : decoded;
  return record(event, given, {
    ...(value === undefined ? {} : { data: value }),
    ...(type === undefined ? {} : { datacontenttype: type }),
  });
}

function strict(attributes: object): CloudEvent<unknown> {
  return new CloudEvent<unknown>(attributes, true);
}

function demand(given: Readonly<Record<string, unknown>>): void {
  if (given["specversion"] !== "1.0") throw new TypeError('specversion must be "1.0"');
  for (const name of REQUIRED) {
    const value = given[name];
    if (typeof value !== "string" || value === "") throw new TypeError(`attribute ${name} is required`);
    if (value.length > 1_024) throw new TypeError(`attribute ${name} is longer than 1024 characters`);
  }
}

function record(
  event: CloudEvent<unknown>,
  given: Readonly<Record<string, unknown>>,
  content: Pick<CloudEventRecord, "data" | "datacontenttype">,
): CloudEventRecord {
  const extensions: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!ATTRIBUTES.has(name) && isScalar(value)) extensions[name] = value;
  }
  return {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event.type,
    ...(event.subject === undefined ? {} : { subject: event.subject }),
    ...(typeof given["time"] === "string" ? { time: given["time"] } : {}),
    ...content,
    extensions,
  };
}

function isJson(contentType: string): boolean {
  return contentType === "" || /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").filter(Boolean).slice(0, 2).join(": ").slice(0, 300);
}
