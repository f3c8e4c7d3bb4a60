/**
 * The README's test command: the static checks, then every vitest project that needs no cluster, then one line that
 * counts. Exit code 0 only when nothing failed and something ran.
 */
import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import * as path from "node:path";
import * as z from "zod";

const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "-p", "tsconfig.json"],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["format", "oxfmt", "--check"],
  ["the servers that tests need", "node", "scripts/bring.ts"],
];
const PROJECTS = ["unit", "contract", "integration"];

const Report = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number() });
type Counts = { passed: number; failed: number; skipped: number };

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function runChecks(): Promise<string[]> {
  const failed: string[] = [];
  for (const [name, command, ...args] of CHECKS) {
    console.log(`== ${name}`);
    if ((await run(command, args)) !== 0) failed.push(name);
  }
  return failed;
}

/** A runner that died before it could report counts as one failure. */
async function runProject(project: string): Promise<Counts> {
  const file = path.resolve("node_modules", ".cache", `ark-tests-${project}.json`);
  await rm(file, { force: true });
  console.log(`== ${project} tests`);
  const reporters = ["--passWithNoTests", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const code = await run("node", ["node_modules/vitest/vitest.mjs", "run", "--project", project, ...reporters]);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  const report = Report.parse(JSON.parse(text));
  const unseen = code !== 0 && report.numFailedTests === 0 ? 1 : 0;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unseen, skipped: report.numPendingTests };
}

const failedChecks = await runChecks();
const total: Counts = { passed: 0, failed: failedChecks.length, skipped: 0 };
for (const project of PROJECTS) {
  const counts = await runProject(project);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
if (failedChecks.length > 0) console.log(`failed checks: ${failedChecks.join(", ")}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
