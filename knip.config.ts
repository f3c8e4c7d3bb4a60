/** Dead code: everything must be reached from a main, a script or a test. */
import type { KnipConfig } from "knip";

const config: KnipConfig = {
  entry: ["{functions/*,operator,cli,test/e2e/model}/main.ts", "{scripts,bench,examples}/*.ts"],
  project: ["{core,platform,functions,operator,local,cli,scripts,test,bench,examples}/**/*.ts"],
  ignoreExportsUsedInFile: true,
  // The kinds are a published language: its types stand for its readers, used here or not.
  ignoreIssues: { "core/api/v1alpha1/*.ts": ["types"] },
  // Started as a program, by its name: the real MCP server of tests and of an example.
  ignoreDependencies: ["@modelcontextprotocol/server-everything"],
  // Of the user's machine; `ark install` says so where it is not there.
  ignoreBinaries: ["kubectl"],
};

export default config;
