/**
 * strconv.FormatFloat for float64 (Go, src/strconv/ftoa.go). JavaScript's own toFixed rounds ties away from zero and
 * ends at 1e21, so digits are worked out exactly with BigInt and rounded half to even.
 */
export type FloatVerb = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

/** 0.d1d2d3… × 10^point, without trailing zeros; no digits at all for zero. */
type Decimal = { readonly digits: string; readonly point: number };

function trimmed(digits: string, point: number): Decimal {
  const kept = digits.replace(/0+$/, "");
  return kept === "" ? { digits: "", point: 0 } : { digits: kept, point };
}

/** The fewest digits that read back as the same number. */
function shortest(magnitude: number): Decimal {
  const [mantissa = "0", exponent = "0"] = magnitude.toExponential().split("e");
  return trimmed(mantissa.replace(".", ""), Number(exponent) + 1);
}

/** Mantissa and power of two: magnitude = mantissa × 2^exponent. */
function binary(magnitude: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, magnitude);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

function exact(magnitude: number): Decimal {
  const { mantissa, exponent } = binary(magnitude);
  if (mantissa === 0n) return { digits: "", point: 0 };
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return trimmed(digits, digits.length);
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return trimmed(digits, digits.length + exponent);
}

function roundsUp(digits: string, count: number): boolean {
  if (digits[count] === "5" && count + 1 === digits.length) return count > 0 && Number(digits[count - 1]) % 2 !== 0;
  return (digits[count] ?? "0") >= "5";
}

function rounded(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal;
  if (count < 0 || count >= digits.length) return decimal;
  const kept = digits.slice(0, count);
  if (!roundsUp(digits, count)) return trimmed(kept, point);
  const up = (BigInt(kept === "" ? "0" : kept) + 1n).toString().padStart(count, "0");
  return trimmed(up, up.length > count ? point + 1 : point);
}

function exponential({ digits, point }: Decimal, precision: number, mark: string): string {
  const exponent = digits === "" ? 0 : point - 1;
  const tail = digits.slice(1, precision + 1).padEnd(precision, "0");
  const text = `${digits[0] ?? "0"}${precision > 0 ? `.${tail}` : ""}`;
  return `${text}${mark}${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function fixed({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const fraction = point > 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

function general(decimal: Decimal, precision: number, mark: string, isShortest: boolean): string {
  const count = decimal.digits.length;
  let threshold = precision > count && count >= decimal.point ? count : precision;
  if (isShortest) threshold = 6;
  const exponent = decimal.point - 1;
  if (exponent < -4 || exponent >= threshold) return exponential(decimal, Math.min(precision, count) - 1, mark);
  return fixed(decimal, Math.max(count - decimal.point, 0));
}

function withShortest(magnitude: number, verb: FloatVerb): string {
  const decimal = shortest(magnitude);
  const count = decimal.digits.length;
  if (verb === "f") return fixed(decimal, Math.max(count - decimal.point, 0));
  if (verb === "e" || verb === "E") return exponential(decimal, Math.max(count - 1, 0), verb);
  return general(decimal, Math.max(count, 1), verb === "G" ? "E" : "e", true);
}

function withPrecision(magnitude: number, verb: FloatVerb, precision: number): string {
  const decimal = exact(magnitude);
  if (verb === "f") return fixed(rounded(decimal, decimal.point + precision), precision);
  if (verb === "e" || verb === "E") return exponential(rounded(decimal, precision + 1), precision, verb);
  const digits = precision === 0 ? 1 : precision;
  return general(rounded(decimal, digits), digits, verb === "G" ? "E" : "e", false);
}

function powerOfTwo(magnitude: number): string {
  const { mantissa, exponent } = binary(magnitude);
  return `${mantissa}p${exponent < 0 ? "" : "+"}${exponent}`;
}

const TOP = 1n << 60n;

/** Mantissa as 1.fraction in 60 bits, rounded to `precision` hexadecimal digits. */
function hexMantissa(magnitude: number, precision: number): { mantissa: bigint; exponent: number } {
  let { mantissa, exponent } = binary(magnitude);
  if (mantissa === 0n) return { mantissa, exponent: 0 };
  mantissa <<= 8n;
  exponent += 52;
  for (; (mantissa & TOP) === 0n; exponent--) mantissa <<= 1n;
  if (precision < 0 || precision >= 15) return { mantissa, exponent };
  const shift = BigInt(precision * 4);
  const extra = (mantissa << shift) & (TOP - 1n);
  mantissa >>= 60n - shift;
  if ((extra | (mantissa & 1n)) > TOP >> 1n) mantissa++;
  mantissa <<= 60n - shift;
  return (mantissa & (TOP << 1n)) === 0n
    ? { mantissa, exponent }
    : { mantissa: mantissa >> 1n, exponent: exponent + 1 };
}

function hexadecimal(magnitude: number, precision: number): string {
  const { mantissa, exponent } = hexMantissa(magnitude, precision);
  const digits = (mantissa & (TOP - 1n)).toString(16).padStart(15, "0");
  const fraction = precision < 0 ? digits.replace(/0+$/, "") : digits.padEnd(precision, "0").slice(0, precision);
  const power = `p${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  return `0x${mantissa >> 60n}${fraction === "" ? "" : `.${fraction}`}${power}`;
}

function magnitudeText(magnitude: number, verb: FloatVerb, precision: number): string {
  if (verb === "b") return powerOfTwo(magnitude);
  if (verb === "x") return hexadecimal(magnitude, precision);
  if (verb === "X") return hexadecimal(magnitude, precision).toUpperCase();
  return precision < 0 ? withShortest(magnitude, verb) : withPrecision(magnitude, verb, precision);
}

/** A negative precision asks for the fewest digits that read back as the same number. */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (!Number.isFinite(value)) return sign === "" ? "+Inf" : "-Inf";
  return sign + magnitudeText(Math.abs(value), verb, precision);
}

/** Deviation (api.md 12): a whole number prints whole, without an exponent; other floats print as Go's %v. */
export function plainFloat(value: number): string {
  return formatFloat(value, Number.isInteger(value) ? "f" : "g", -1);
}
