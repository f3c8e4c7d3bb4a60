/**
 * The corpus in `test/fixtures/crd/<kind>/{valid,invalid}`: one document per file, one fault per invalid one, whose
 * first line names its place: `# expect: spec.pipeline[1].role`. `exceptions.yaml` lists what zod and the API server
 * judge differently, with the reason.
 */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { parse } from "yaml";
import * as z from "zod";

export const CORPUS = path.resolve(import.meta.dirname, "../fixtures/crd");

export type Sample = {
  /** Below the corpus: `ark-team/invalid/ring.yaml`. */
  readonly file: string;
  readonly verdict: "valid" | "invalid";
  readonly doc: Readonly<Record<string, unknown>>;
  /** Of an invalid one: where its fault is. */
  readonly expect: string;
};

const ExceptionsSchema = z.array(
  z.strictObject({ file: z.string(), server: z.enum(["accepts", "refuses"]), reason: z.string().min(20) }),
);
export type Exception = z.output<typeof ExceptionsSchema>[number];

export async function readExceptions(): Promise<ReadonlyMap<string, Exception>> {
  const text = await readFile(path.join(CORPUS, "exceptions.yaml"), "utf8");
  return new Map(ExceptionsSchema.parse(parse(text)).map((one) => [one.file, one]));
}

async function readSample(kind: string, verdict: Sample["verdict"], name: string): Promise<Sample> {
  const file = `${kind}/${verdict}/${name}`;
  const text = await readFile(path.join(CORPUS, file), "utf8");
  const expect = /^# expect: (.+)$/m.exec(text.split("\n")[0] ?? "")?.[1];
  if (verdict === "invalid" && expect === undefined) throw new Error(`${file}: the first line says no \`# expect: …\``);
  return { file, verdict, doc: parse(text) as Sample["doc"], expect: expect ?? "" };
}

/** In order of name. Throws for a file that no test would read. */
export async function readCorpus(): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (const entry of (await readdir(CORPUS, { withFileTypes: true })).filter((one) => one.isDirectory())) {
    for (const verdict of await readdir(path.join(CORPUS, entry.name))) {
      if (verdict !== "valid" && verdict !== "invalid") throw new Error(`${entry.name}/${verdict} is read by no test`);
      for (const name of await readdir(path.join(CORPUS, entry.name, verdict))) {
        samples.push(await readSample(entry.name, verdict, name));
      }
    }
  }
  return samples.toSorted((a, b) => (a.file < b.file ? -1 : 1));
}
