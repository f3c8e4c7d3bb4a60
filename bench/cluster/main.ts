/**
 * Figures of an installation on a cluster, beside baselines of the same run. Where KUBECONFIG leads to a cluster whose
 * Services can be reached, or on a lab:
 *
 *     npm run bench:cluster -- [--lab PATH] [--only NAME]... [-o table|markdown] [--rounds N] [--seconds N]
 *                              [--clients N] [--objects N] [--own-image NAME]
 *
 * Installs Ark as the end-to-end tests do and takes it away again; ARK_E2E_INSTALLED takes what is there. Progress goes
 * to standard error. An interrupt undoes what is there and prints what was measured.
 */
import { parseArgs } from "node:util";
import { kubectl } from "../../test/e2e/harness/cluster.ts";
import { SYSTEM } from "../../test/e2e/harness/names.ts";
import { setup, teardown } from "../../test/e2e/harness/setup.ts";
import { coldStart, ownImage } from "./cold-start.ts";
import { chain } from "./chain.ts";
import { creation } from "./creation.ts";
import { firstRequest } from "./first-request.ts";
import { idleOperator, idlePods } from "./idle.ts";
import { benchOnLab, HELD } from "./lab.ts";
import { requests } from "./requests.ts";
import { markdown, type Row, table } from "./row.ts";
import type { ClusterBench, Site } from "./site.ts";

const BENCHES: readonly ClusterBench[] = [
  idlePods,
  coldStart,
  ownImage,
  firstRequest,
  creation,
  chain,
  requests,
  idleOperator,
];

const say = (line: string): void => console.error(line);

class Interrupted extends Error {}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      lab: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      output: { type: "string", short: "o", default: "table" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "30" },
      clients: { type: "string", default: "16" },
      objects: { type: "string", default: "200" },
      "own-image": { type: "string" },
      held: { type: "boolean", default: false },
    },
  });
  const names = BENCHES.map(({ name }) => name);
  const unknown = values.only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`no figure is called ${unknown.join(", ")}; there are ${names.join(", ")}`);
  if (!["table", "markdown"].includes(values.output)) throw new Error("-o is table or markdown");
  const chosen = BENCHES.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  if (values.lab !== undefined) {
    const words = process.argv.slice(2).filter((word, n, all) => !word.startsWith("--lab") && all[n - 1] !== "--lab");
    const withImages = (process.env["ARK_E2E_INSTALLED"] ?? "") === "";
    process.exitCode = await benchOnLab(values.lab, { words, withOwnImage: chosen.includes(ownImage), withImages });
    return;
  }
  const interrupted = interrupt(values.held);
  await setup();
  await settled();
  const rows: Row[] = [];
  try {
    for (const bench of chosen) {
      await using stack = new AsyncDisposableStack();
      const site: Site = {
        rounds: Number(values.rounds),
        seconds: Number(values.seconds),
        clients: Number(values.clients),
        objects: Number(values.objects),
        ownImage: values["own-image"],
        stack,
        say,
      };
      say(`— ${bench.name}`);
      rows.push(...(await Promise.race([measured(bench, site), interrupted])));
    }
  } finally {
    const words = process.argv.slice(2).filter((word) => word !== HELD);
    const command = ["npm run bench:cluster --", ...words].join(" ");
    console.log(values.output === "markdown" ? markdown(rows, command) : table(rows));
    await teardown();
  }
}

/** A figure that cannot be measured does not take the others with it. */
async function measured(bench: ClusterBench, site: Site): Promise<readonly Row[]> {
  try {
    return await bench.run(site);
  } catch (error) {
    say(`${bench.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
    return [];
  }
}

/** What is measured has started, however it came to be there. */
async function settled(): Promise<void> {
  await kubectl("rollout", "status", "deployment/ark-operator", "-n", SYSTEM, "--timeout=180s");
  await kubectl("wait", "ksvc", "--all", "-n", SYSTEM, "--for=condition=Ready", "--timeout=180s");
}

/** Rejects with the first signal; further ones do not end the cleaning up. */
function interrupt(held: boolean): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => reject(new Interrupted(`${signal}: undoing what is there`)));
    if (held) process.stdin.resume().on("end", () => reject(new Interrupted("interrupted: undoing what is there")));
  });
  promise.catch(() => {});
  return promise;
}

try {
  await main();
} catch (error) {
  say(
    error instanceof Interrupted
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  );
  process.exitCode = 1;
}
// What was interrupted may still wait for something.
process.exit();
