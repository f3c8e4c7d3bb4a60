/**
 * Go strings are bytes, JavaScript strings are UTF-16. A byte that is not part of valid UTF-8 (from `slice` or `"\xff"`)
 * is carried as the lone surrogate U+DC00 + byte, as Python's `surrogateescape` does (PEP 383); `toText` replaces what
 * is left of them at the end. Data and sources are made well-formed on the way in, so no other lone surrogate exists.
 */
const ESCAPED_BASE = 0xdc00;
const ESCAPED_BYTE = /[\udc80-\udcff]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One lone surrogate stands for one byte that is not UTF-8. */
export function escapeByte(byte: number): string {
  return String.fromCharCode(ESCAPED_BASE + byte);
}

export function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else if (unit < 0xdc00) {
      length += 4;
      i++;
    } else length += 1;
  }
  return length;
}

export function toBytes(text: string): Uint8Array {
  if (!ESCAPED_BYTE.test(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const char of text) {
    if (ESCAPED_BYTE.test(char)) bytes.push(char.charCodeAt(0) - ESCAPED_BASE);
    else bytes.push(...encoder.encode(char));
  }
  return Uint8Array.from(bytes);
}

/** Lead bytes up to `last` start a sequence of `length` whose second byte lies in the given range (RFC 3629, 4). */
const SEQUENCES: readonly { last: number; length: number; from: number; to: number }[] = [
  { last: 0x7f, length: 1, from: 0, to: 0 },
  { last: 0xc1, length: 0, from: 0, to: 0 },
  { last: 0xdf, length: 2, from: 0x80, to: 0xbf },
  { last: 0xe0, length: 3, from: 0xa0, to: 0xbf },
  { last: 0xec, length: 3, from: 0x80, to: 0xbf },
  { last: 0xed, length: 3, from: 0x80, to: 0x9f },
  { last: 0xef, length: 3, from: 0x80, to: 0xbf },
  { last: 0xf0, length: 4, from: 0x90, to: 0xbf },
  { last: 0xf3, length: 4, from: 0x80, to: 0xbf },
  { last: 0xf4, length: 4, from: 0x80, to: 0x8f },
];

/** Length of the valid UTF-8 sequence at `start`, 0 when the byte there is not valid. */
function sequenceLength(bytes: Uint8Array, start: number): number {
  const lead = bytes[start] ?? 0;
  const { length, from, to } = SEQUENCES.find(({ last }) => lead <= last) ?? { length: 0, from: 0, to: 0 };
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    const valid = i === 1 ? byte >= from && byte <= to : byte >= 0x80 && byte <= 0xbf;
    if (!valid) return 0;
  }
  return length;
}

export function fromBytes(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    let text = "";
    for (let i = 0; i < bytes.length;) {
      const length = sequenceLength(bytes, i);
      text += length === 0 ? escapeByte(bytes[i] ?? 0) : strictDecoder.decode(bytes.subarray(i, i + length));
      i += Math.max(length, 1);
    }
    return text;
  }
}

/** Joins escaped bytes that have become valid UTF-8 by standing side by side. */
export function rejoin(text: string): string {
  return ESCAPED_BYTE.test(text) ? fromBytes(toBytes(text)) : text;
}

/** Well-formed text: every byte that is not UTF-8 becomes U+FFFD, one for each, as Go's encoders do. */
export function toText(text: string): string {
  return LONE_SURROGATE.test(text) ? rejoin(text).replace(LONE_SURROGATES, "\ufffd") : text;
}

/** Well-formed input: a lone surrogate in data or source is U+FFFD, as Go's JSON decoder makes it. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replace(LONE_SURROGATES, "\ufffd") : text;
}

export function isEscapedByte(char: string): boolean {
  return ESCAPED_BYTE.test(char);
}

/** Go compares strings by bytes: UTF-16 order differs from it beyond the basic plane. */
export function compareText(left: string, right: string): number {
  const a = toBytes(left);
  const b = toBytes(right);
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function runeCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
