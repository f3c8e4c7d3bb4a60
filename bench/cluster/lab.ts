/**
 * The same command once more, inside a lab's network. It stands in a group of its own, so that an interrupt reaches it
 * as the end of its standard input and never as a signal to what it was started through.
 */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { bundle, entries } from "../../scripts/bundle.ts";
import { onLab, ROOT, run } from "../../scripts/on-lab.ts";

export type Inside = {
  readonly words: readonly string[];
  /** Packs an image of the webhook function alone. */
  readonly withOwnImage: boolean;
  /** Packs the images that the installation is made of. */
  readonly withImages: boolean;
};

const OWN_IMAGE = "ark-bench-webhook";
/** The command is to stop when its standard input ends. */
export const HELD = "--held";

export function benchOnLab(where: string, { words, withOwnImage, withImages }: Inside): Promise<number> {
  return onLab(where, async (lab) => {
    if (withImages && (await run(process.execPath, ["scripts/images.ts", "--lab", lab, "--tools"])) !== 0) return 1;
    const own = withOwnImage ? ["--own-image", await packOwn(lab)] : [];
    return inside(lab, [...words, ...own, HELD]);
  });
}

async function packOwn(lab: string): Promise<string> {
  const webhook = (await entries()).find(({ name }) => name === "webhook");
  if (webhook === undefined) throw new Error("the webhook function has no main");
  const { name, dir } = await bundle(webhook, undefined, { maps: false });
  const module = path.join(ROOT, "scripts/image/package.json");
  const entry = JSON.stringify(["/usr/local/bin/node"]);
  const adds = ["--add", `${module}:/app/package.json`, "--add", `${dir}:/app/${name}`];
  const code = await run(lab, ["image", OWN_IMAGE, "--node", "--entrypoint", entry, ...adds]);
  if (code !== 0) throw new Error(`lab image ended with ${code}`);
  return `dev.local/${OWN_IMAGE}:lab`;
}

function inside(lab: string, words: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const args = ["exec", process.execPath, path.join(ROOT, "bench/cluster/main.ts"), ...words];
    const child = spawn(lab, args, { cwd: ROOT, stdio: ["pipe", "inherit", "inherit"], detached: true });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.stdin.end());
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}
