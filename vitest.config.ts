import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** On a cluster that was just installed nothing has to fall asleep first. */
class ThinLineFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => Number(!moduleId.endsWith("e2e/thin-line.test.ts"));
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/** What a test needs decides where it stands: nothing, one server, several processes, a cluster (KUBECONFIG). */
export default defineConfig({
  test: {
    sequence: { sequencer: ThinLineFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["{core,platform,functions,operator,local,cli,scripts}/**/*.test.ts", "test/*.test.ts"],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 120_000,
          pool: "forks",
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          pool: "forks",
          maxWorkers: 1,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/harness/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: "forks",
          maxWorkers: 1,
        },
      },
    ],
  },
});
