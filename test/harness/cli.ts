/** The `ark` command in this process, with the real rule of where it works; its folder holds no `ark up`. */
import { tmpdir } from "node:os";
import { connect, running } from "../../cli/connect.ts";
import type { Io } from "../../cli/io.ts";
import { runCli } from "../../cli/program.ts";
import { PLAIN } from "../../cli/render/style.ts";

export type Ran = { readonly code: number; readonly out: string; readonly err: string };
export type ArkOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Called with all that stands on stdout by then. */
  readonly onOut?: (out: string) => void;
};

export async function ark(argv: readonly string[], options: ArkOptions = {}): Promise<Ran> {
  const written = { out: "", err: "" };
  const io: Io = {
    out: (text) => {
      written.out += text;
      options.onOut?.(written.out);
    },
    err: (text) => void (written.err += text),
    style: PLAIN,
    outStyle: PLAIN,
    live: false,
    outIsTerminal: false,
    columns: () => 100,
    rows: () => 40,
    env: options.env ?? {},
    cwd: options.cwd ?? tmpdir(),
    now: Date.now,
    readStdin: async () => "",
    signal: options.signal ?? AbortSignal.timeout(60_000),
  };
  const code = await runCli(argv, io, {
    connect: (place) => connect(place, io),
    running: () => running({}, io),
    startLocal: () => Promise.reject(new Error("no test here starts local mode")),
  });
  return { code, ...written };
}
