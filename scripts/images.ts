/**
 * The image of Ark: one for all processes, each an entry of its own (`/app/<name>/main.js`).
 *
 *     scripts/images [--tag dev.local/ark:dev]     with docker or podman, from the Dockerfile
 *     scripts/images --lab PATH                    packs the same bundles with the lab's own tool, no engine needed
 *     scripts/images --lab PATH --tools            the scripted model server of the end-to-end tests too
 */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle, entries, type Entry } from "./bundle.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NODE = ["/usr/local/bin/node"];
/** Seen by the tests of a cluster only. */
const TOOLS: readonly Entry[] = [{ name: "e2e-model", file: path.join(ROOT, "test/e2e/model/main.ts") }];

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const code = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args[0] ?? ""} ended with ${code}`);
}

async function withLab(lab: string, tools: boolean): Promise<void> {
  const servers = (await entries()).filter(({ name }) => name !== "cli");
  await pack(lab, "ark", servers);
  if (tools) await pack(lab, "ark-e2e", TOOLS);
}

async function pack(lab: string, image: string, packed: readonly Entry[]): Promise<void> {
  const adds: string[] = [];
  for (const entry of packed) {
    const { name, dir } = await bundle(entry, undefined, { maps: false });
    adds.push("--add", `${dir}:/app/${name}`);
  }
  const module = path.join(ROOT, "scripts/image/package.json");
  const args = ["--node", "--add", `${module}:/app/package.json`, "--entrypoint", JSON.stringify(NODE)];
  await must(lab, ["image", image, ...args, ...adds]);
}

async function withEngine(tag: string): Promise<void> {
  for (const engine of ["docker", "podman"]) {
    if ((await run(engine, ["info", "--format", "{{.ID}}"])) !== 0) continue;
    return must(engine, ["build", "--tag", tag, "--file", "Dockerfile", "."]);
  }
  throw new Error("neither docker nor podman answers: start one, or name a lab with --lab");
}

const { values } = parseArgs({
  options: { lab: { type: "string" }, tools: { type: "boolean" }, tag: { type: "string" } },
});
try {
  if (values.lab === undefined) await withEngine(values.tag ?? "dev.local/ark:dev");
  else await withLab(path.resolve(values.lab), values.tools === true);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
