/**
 * Parts of express that no server here calls: its body parsers, file serving, extended queries and the table of file
 * types. express loads them at start all the same, and they are a third of a function's bytes. In the bundles they are
 * empty; whoever begins to use one gets an error that names it.
 */
import type { Plugin } from "rolldown";

/** What express reads from each while it loads. */
const UNUSED: Readonly<Record<string, string>> = {
  "body-parser": functions("json", "raw", "text", "urlencoded"),
  "serve-static": `module.exports = ${thrower("serve-static")};`,
  send: `module.exports = ${thrower("send")};`,
  qs: functions("parse", "stringify"),
  "mime-db": "module.exports = {};",
};
const PREFIX = "\0unused:";

export function leaveOutUnused(): Plugin {
  return {
    name: "leave-out-unused",
    resolveId: {
      filter: { id: new RegExp(`^(${Object.keys(UNUSED).join("|")})$`) },
      handler: (id, importer) => (/node_modules\/(express|mime-types)\//.test(importer ?? "") ? PREFIX + id : null),
    },
    load: {
      filter: { id: new RegExp(`^${PREFIX}`) },
      handler: (id) => ({ code: UNUSED[id.slice(PREFIX.length)] ?? "", moduleType: "js" }),
    },
  };
}

function functions(...names: readonly string[]): string {
  return names.map((name) => `exports.${name} = ${thrower(name)};`).join("\n");
}

function thrower(name: string): string {
  return `() => { throw new Error("express's ${name} is not part of this bundle"); }`;
}
