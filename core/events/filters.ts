/**
 * Whether a CloudEvent passes the filters of a Knative Trigger (CloudEvents Subscriptions API 1.0, section 3.2.4).
 * Dialects: exact, prefix, suffix, all, any, not. `cesql` is evaluated by a broker alone and never passes here.
 */
import type { Filter } from "#core/api/v1alpha1/ark-event.ts";
import type { CloudEventRecord } from "#core/ports/events.ts";

/** All filters must pass. */
export function passes(event: CloudEventRecord, filters: readonly Filter[]): boolean {
  return filters.every((filter) => passesOne(event, filter));
}

function passesOne(event: CloudEventRecord, filter: Filter): boolean {
  if (filter.all !== undefined) return passes(event, filter.all);
  if (filter.any !== undefined) return filter.any.some((one) => passesOne(event, one));
  if (filter.not !== undefined) return !passesOne(event, filter.not);
  if (filter.exact !== undefined) return attributes(event, filter.exact, (value, wanted) => value === wanted);
  if (filter.prefix !== undefined) return attributes(event, filter.prefix, (value, wanted) => value.startsWith(wanted));
  if (filter.suffix !== undefined) return attributes(event, filter.suffix, (value, wanted) => value.endsWith(wanted));
  return false;
}

/** Every named attribute is there and fits. */
function attributes(
  event: CloudEventRecord,
  wanted: Readonly<Record<string, string>>,
  fits: (value: string, wanted: string) => boolean,
): boolean {
  return Object.entries(wanted).every(([name, text]) => {
    const value = attribute(event, name);
    return value !== undefined && fits(value, text);
  });
}

function attribute(event: CloudEventRecord, name: string): string | undefined {
  switch (name) {
    case "specversion":
    case "id":
    case "source":
    case "type":
    case "subject":
    case "time":
    case "datacontenttype":
      return event[name];
    default: {
      const value = Object.hasOwn(event.extensions, name) ? event.extensions[name] : undefined;
      return value === undefined ? undefined : String(value);
    }
  }
}
