/**
 * The end-to-end tests on a lab: brings it up when it is down, packs the images, runs the tests inside its network, and
 * takes down what it brought up. `node scripts/e2e.ts --lab PATH [what vitest is told]`
 *
 * Exit codes: 3 when the lab does not start, 2 when the words are wrong, else that of the tests.
 */
import * as path from "node:path";
import { onLab, ROOT, run } from "./on-lab.ts";

const [flag, where, ...words] = process.argv.slice(2);
if (flag !== "--lab" || where === undefined) {
  console.error("node scripts/e2e.ts --lab PATH [what vitest is told]");
  process.exitCode = 2;
} else {
  process.env["ARK_E2E_RESTART_API_SERVER"] ??= path.join(ROOT, "scripts/restart-api-server");
  process.exitCode = await onLab(where, async (lab) => {
    if ((await run(process.execPath, ["scripts/images.ts", "--lab", lab, "--tools"])) !== 0) return 1;
    const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
    const inside = ["exec", process.execPath, vitest, "run", "--root", ROOT, "--project", "e2e", ...words];
    return run(lab, inside);
  });
}
