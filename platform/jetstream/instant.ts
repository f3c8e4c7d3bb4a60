import * as z from "zod";

/** Milliseconds since the epoch, as far as a Date reaches. */
export const Instant = z.int().min(0).max(8_640_000_000_000_000);
