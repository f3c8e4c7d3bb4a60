/** One verb of a format: its flags, width and precision, and the padding they ask for (Go, src/fmt/format.go). */
import { runeCount } from "../utf8.ts";

/** A format may not grow a text without end; results are bounded far below. */
export const MAX_CHARS = 8 * 1024 * 1024;

export type Spec = {
  sharp: boolean;
  zero: boolean;
  plus: boolean;
  minus: boolean;
  space: boolean;
  /** `%#v` and `%+v`, which take `#` and `+` away from the parts. */
  sharpV: boolean;
  plusV: boolean;
  width: number | undefined;
  precision: number | undefined;
};

export function plainSpec(): Spec {
  return {
    sharp: false,
    zero: false,
    plus: false,
    minus: false,
    space: false,
    sharpV: false,
    plusV: false,
    width: undefined,
    precision: undefined,
  };
}

export function padding(spec: Spec, count: number): string {
  return count > 0 ? (spec.zero && !spec.minus ? "0" : " ").repeat(count) : "";
}

export function pad(spec: Spec, text: string): string {
  const fill = padding(spec, (spec.width ?? 0) - (spec.width === undefined ? 0 : runeCount(text)));
  return spec.minus ? text + fill : fill + text;
}

/** Pads with spaces even where the zero flag is set. */
export function padWithSpaces(spec: Spec, text: string): string {
  return pad({ ...spec, zero: false }, text);
}
