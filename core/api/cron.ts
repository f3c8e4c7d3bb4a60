/**
 * Cron schedules of ArkEvents: five fields, or one of five names (api.md 1). Checked here, so that the error names the
 * field and its position before anything is stored; the words are those that a Knative PingSource understands.
 *
 * R1  What is accepted has the same meaning for every later reader: `text` is written in the smallest common dialect
 *     (numbers and `*`, Sunday is 0), whatever names and forms the user chose.
 * R2  A schedule that can never fire is refused (P10).
 */
export type Cron = {
  /** Five fields in plain numbers: what a PingSource and a cron library both read alike. */
  readonly text: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  /** Sunday is 0. */
  readonly weekdays: readonly number[];
  /** With both days and weekdays given, either one is enough (POSIX). */
  readonly eitherDay: boolean;
};

/** `position` counts characters of the schedule from 1. */
export type CronFault = { readonly field: string; readonly position: number; readonly message: string };

export type CronOutcome =
  | { readonly kind: "cron"; readonly cron: Cron }
  | { readonly kind: "refused"; readonly fault: CronFault };

type FieldRule = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
  readonly anyMark: boolean;
  /** Its numbers as an RE2 pattern. */
  readonly digits: string;
};

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MINUTE: FieldRule = { name: "minute", min: 0, max: 59, names: [], anyMark: false, digits: "[0-5]?[0-9]" };
const HOUR: FieldRule = { name: "hour", min: 0, max: 23, names: [], anyMark: false, digits: "[01]?[0-9]|2[0-3]" };
const DAY: FieldRule = {
  name: "day of month",
  min: 1,
  max: 31,
  names: [],
  anyMark: true,
  digits: "0?[1-9]|[12][0-9]|3[01]",
};
const MONTH: FieldRule = { name: "month", min: 1, max: 12, names: MONTHS, anyMark: false, digits: "0?[1-9]|1[0-2]" };
/** 7 is Sunday too, in a range as well: `5-7`. */
const WEEKDAY: FieldRule = { name: "day of week", min: 0, max: 7, names: WEEKDAYS, anyMark: true, digits: "0?[0-7]" };

const MACROS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
};

const LONGEST_MONTH: Readonly<Record<number, number>> = { 2: 29, 4: 30, 6: 30, 9: 30, 11: 30 };

type Word = { readonly text: string; readonly at: number };
type Field = { readonly values: readonly number[]; readonly any: boolean; readonly text: string };
type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: CronFault };

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(rule: FieldRule, word: Word, message: string): { readonly ok: false; readonly fault: CronFault } {
  const fault = { field: rule.name, position: word.at, message: `${rule.name}, character ${word.at}: ${message}` };
  return { ok: false, fault };
}

/** Pieces of `text` between separators, each with its place in the whole schedule. */
function cut(word: Word, separator: string): Word[] {
  let at = word.at;
  return word.text.split(separator).map((text) => {
    const piece = { text, at };
    at += text.length + separator.length;
    return piece;
  });
}

function bounds(rule: FieldRule): string {
  const named = rule.names.length > 0 ? `, or ${rule.names[0]}–${rule.names.at(-1)}` : "";
  return `${rule.min}–${rule.max}${named}`;
}

function single(rule: FieldRule, word: Word): Parsed<number> {
  const byName = rule.names.indexOf(word.text.toLowerCase());
  if (byName >= 0) return good(byName + (rule === MONTH ? 1 : 0));
  if (word.text === "") return bad(rule, word, `a value is missing; wanted ${bounds(rule)}`);
  if (!/^\d{1,2}$/.test(word.text)) return bad(rule, word, `"${word.text}" is not a value; wanted ${bounds(rule)}`);
  const value = Number(word.text);
  if (value < rule.min || value > rule.max) return bad(rule, word, `${value} is outside ${bounds(rule)}`);
  return good(value);
}

type Range = { readonly from: number; readonly to: number; readonly any: boolean; readonly open: boolean };

/** The greatest value that is not a second name for another one. */
function last(rule: FieldRule): number {
  return rule === WEEKDAY ? 6 : rule.max;
}

function isAny(rule: FieldRule, word: Word): boolean {
  return word.text === "*" || (word.text === "?" && rule.anyMark);
}

function range(rule: FieldRule, word: Word): Parsed<Range> {
  if (isAny(rule, word)) return good({ from: rule.min, to: last(rule), any: true, open: false });
  const [low, high, extra] = cut(word, "-");
  if (low === undefined) return bad(rule, word, "a value is missing");
  const from = single(rule, low);
  if (!from.ok) return from;
  if (high === undefined) {
    // 7 alone is 0: what `7/2` goes on to is the rest of that week.
    const at = rule === WEEKDAY ? from.value % 7 : from.value;
    return good({ from: at, to: at, any: false, open: true });
  }
  const to = single(rule, high);
  if (!to.ok) return to;
  if (extra !== undefined) return bad(rule, extra, "a range has two ends");
  if (to.value < from.value) return bad(rule, low, `the range ${word.text} runs backwards`);
  return good({ from: from.value, to: to.value, any: false, open: false });
}

function step(rule: FieldRule, word: Word | undefined): Parsed<number> {
  if (word === undefined) return good(1);
  if (!/^\d{1,3}$/.test(word.text) || Number(word.text) === 0) {
    return bad(rule, word, `"${word.text}" is not a step; wanted a number from 1`);
  }
  return good(Number(word.text));
}

function series(rule: FieldRule, from: number, to: number, every: number): number[] {
  const values: number[] = [];
  for (let value = from; value <= to; value += every) values.push(rule === WEEKDAY ? value % 7 : value);
  return values;
}

function item(rule: FieldRule, word: Word): Parsed<{ values: number[]; any: boolean }> {
  const [span, stride, extra] = cut(word, "/");
  if (extra !== undefined) return bad(rule, extra, "a value has one step");
  const found = range(rule, span ?? word);
  if (!found.ok) return found;
  const every = step(rule, stride);
  if (!every.ok) return every;
  const { from, to, any, open } = found.value;
  const end = open && stride !== undefined ? last(rule) : to;
  return good({ values: series(rule, from, end, every.value), any: any && every.value === 1 });
}

/** The shortest plain form: `*`, or the values one by one with runs of three and more as ranges. */
function plain(values: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < values.length;) {
    let end = i;
    while (values[end + 1] === (values[end] ?? 0) + 1) end++;
    if (end - i >= 2) parts.push(`${values[i]}-${values[end]}`);
    else parts.push(...values.slice(i, end + 1).map(String));
    i = end + 1;
  }
  return parts.join(",");
}

function field(rule: FieldRule, word: Word): Parsed<Field> {
  const values = new Set<number>();
  let any = false;
  for (const piece of cut(word, ",")) {
    const found = item(rule, piece);
    if (!found.ok) return found;
    for (const value of found.value.values) values.add(value);
    any ||= found.value.any;
  }
  const sorted = [...values].toSorted((a, b) => a - b);
  return good({ values: sorted, any, text: any ? "*" : plain(sorted) });
}

function words(text: string): Word[] {
  return [...text.matchAll(/[^ \t]+/g)].map((match) => ({ text: match[0], at: match.index + 1 }));
}

function expand(text: string): Parsed<string> {
  const trimmed = text.replace(/^[ \t]+|[ \t]+$/g, "");
  if (!trimmed.startsWith("@")) return good(text);
  const macro = MACROS[trimmed];
  if (macro !== undefined) return good(macro);
  const known = Object.keys(MACROS).join(" ");
  const message = `schedule, character 1: "${trimmed}" is unknown; wanted five fields or one of ${known}`;
  return { ok: false, fault: { field: "schedule", position: 1, message } };
}

const FIELDS = [MINUTE, HOUR, DAY, MONTH, WEEKDAY] as const;

function wrongCount(text: string, found: readonly Word[]): CronFault {
  const position = found.length > FIELDS.length ? (found[FIELDS.length]?.at ?? 1) : text.length + 1;
  const wanted = FIELDS.map((rule) => rule.name).join(", ");
  const zone = /^(CRON_)?TZ=/.test(found[0]?.text ?? "") ? "; the zone goes into timeZone" : "";
  const message = `schedule, character ${position}: ${found.length} fields, wanted 5 (${wanted})${zone}`;
  return { field: "schedule", position, message };
}

/** R2: only a day of the month alone can miss every month; a weekday always comes. */
function neverFires(days: readonly number[], months: readonly number[]): boolean {
  return months.every((month) => days.every((day) => day > (LONGEST_MONTH[month] ?? 31)));
}

/** Checks and spells out a schedule. Never throws. */
export function parseCron(text: string): CronOutcome {
  const expanded = expand(text);
  if (!expanded.ok) return { kind: "refused", fault: expanded.fault };
  const found = words(expanded.value);
  if (found.length !== FIELDS.length) return { kind: "refused", fault: wrongCount(text, found) };
  const fields: Field[] = [];
  for (const [i, rule] of FIELDS.entries()) {
    const parsed = field(rule, found[i] ?? { text: "", at: 1 });
    if (!parsed.ok) return { kind: "refused", fault: parsed.fault };
    fields.push(parsed.value);
  }
  const [minute, hour, day, month, weekday] = fields as [Field, Field, Field, Field, Field];
  if (weekday.any && neverFires(day.values, month.values)) {
    const refused = bad(DAY, found[2] ?? { text: "", at: 1 }, `${day.text} is in none of the months ${month.text}`);
    return { kind: "refused", fault: refused.fault };
  }
  const cron: Cron = {
    text: fields.map((one) => one.text).join(" "),
    minutes: minute.values,
    hours: hour.values,
    days: day.values,
    months: month.values,
    weekdays: weekday.values,
    eitherDay: !day.any && !weekday.any,
  };
  return { kind: "cron", cron };
}

function fieldPattern({ digits, names, anyMark }: FieldRule): string {
  const value = `(${[digits, ...names].join("|")})`;
  const item = `(${anyMark ? "[*?]" : "[*]"}|${value}(-${value})?)(/[0-9]{1,3})?`;
  return `${item}(,${item})*`;
}

/**
 * The shape of a schedule as an RE2 pattern, for where nothing can be computed: right fields and values inside their
 * bounds. What `parseCron` accepts matches it.
 */
export function cronPattern(): string {
  const fields = FIELDS.map(fieldPattern).join("[ \\t]+");
  return `^[ \\t]*(${Object.keys(MACROS).join("|")}|(?i:${fields}))[ \\t]*$`;
}
