/**
 * Reads one file out of a ZIP archive (wheels and release archives are ZIPs), so that no `unzip` is needed.
 * Source: PKWARE APPNOTE 4.3: end record, central directory, local header. No ZIP64, no encryption.
 */
import { inflateRawSync } from "node:zlib";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const STORED = 0;
const DEFLATED = 8;

export type ZipOutcome = { kind: "file"; bytes: Buffer } | { kind: "failed"; why: string };

/** The first file whose path ends with `/<name>` or is `name`; refused above `maxBytes`. */
export function unzipFile(archive: Buffer, name: string, maxBytes: number): ZipOutcome {
  try {
    return readEntry(archive, name, maxBytes);
  } catch (error) {
    return { kind: "failed", why: `the archive is damaged: ${String(error)}` };
  }
}

function readEntry(archive: Buffer, name: string, maxBytes: number): ZipOutcome {
  const end = archive.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || archive.readUInt32LE(end) !== END) return { kind: "failed", why: "not a ZIP archive" };
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count && archive.readUInt32LE(at) === ENTRY; index++) {
    const nameLength = archive.readUInt16LE(at + 28);
    const entryName = archive.toString("utf8", at + 46, at + 46 + nameLength);
    if (entryName === name || entryName.endsWith(`/${name}`)) return inflate(archive, at, maxBytes);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return { kind: "failed", why: `the archive has no file ${name}` };
}

function inflate(archive: Buffer, entry: number, maxBytes: number): ZipOutcome {
  const method = archive.readUInt16LE(entry + 10);
  const packed = archive.readUInt32LE(entry + 20);
  const size = archive.readUInt32LE(entry + 24);
  const local = archive.readUInt32LE(entry + 42);
  if (size > maxBytes) return { kind: "failed", why: `the file has ${size} bytes, more than ${maxBytes}` };
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const data = archive.subarray(start, start + packed);
  if (method !== STORED && method !== DEFLATED) return { kind: "failed", why: `compression ${method} is unknown` };
  const bytes = method === STORED ? Buffer.from(data) : inflateRawSync(data, { maxOutputLength: Math.max(size, 1) });
  return bytes.length === size ? { kind: "file", bytes } : { kind: "failed", why: "the file is cut short" };
}
