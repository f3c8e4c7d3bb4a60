/** IANA time zones of schedules (api 1). The names are case-sensitive for the PingSource that gets them. */

const KNOWN_SHAPE = /^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/;

/** Whether `name` is a zone of the IANA database. `Local` is not: it would depend on the machine. */
export function isTimeZone(name: string): boolean {
  if (!KNOWN_SHAPE.test(name) || name === "Local") return false;
  try {
    // The formatter takes any spelling; what it gives back differs for another spelling of the same name only.
    const known = new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
    return known === name || known.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}
