/**
 * Dead code. A deployable begins at its main.ts; while one has none yet, all of its files count as its beginning, and
 * so do the folders and packages that it will use.
 */
import { existsSync } from "node:fs";
import type { KnipConfig } from "knip";

const DEPLOYABLES = ["functions/webhook", "functions/dispatcher", "functions/executor", "functions/collector", "cli"];
const pending = DEPLOYABLES.filter((folder) => !existsSync(`${folder}/main.ts`));
const begun = pending.length === 0 ? [] : [...pending, "core", "platform", "local"];

/** Installed for what is being built: a package leaves this list when the file that needs it stands. */
const expected = [
  ...(existsSync("platform/kube") ? [] : ["@kubernetes/client-node"]),
  ...(existsSync("platform/mcp/mcp.ts")
    ? []
    : ["@modelcontextprotocol/client", "@modelcontextprotocol/server-everything"]),
  ...(pending.length === 0 ? [] : ["@nats-io/nats-core", "eventsource-parser"]),
];

const config: KnipConfig = {
  entry: [
    "{functions/*,operator,cli,test/e2e/model}/main.ts",
    "{scripts,bench,examples}/*.ts",
    ...begun.map((folder) => `${folder}/**/*.ts`),
  ],
  project: ["{core,platform,functions,operator,local,cli,scripts,test,bench,examples}/**/*.ts"],
  ignoreExportsUsedInFile: true,
  // The five kinds are a published language: its types stand for its readers, used here or not.
  ignoreIssues: { "core/api/v1alpha1/*.ts": ["types"] },
  ignoreDependencies: expected,
  // Of the user's machine; `ark install` says so where it is not there.
  ignoreBinaries: ["kubectl"],
};

export default config;
