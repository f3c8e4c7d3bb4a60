/** The logger we own: fields first, then a constant message (style 10). A `pino.Logger` is one. */
type Write = (fields: object, message: string) => void;

export type Logger = {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  child(fields: Record<string, unknown>): Logger;
};
