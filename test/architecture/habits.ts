/** Habits that a syntax tree shows: what core may not touch, and that a module does nothing when it is imported. */
import { parseAst } from "rolldown/parseAst";
import { isName, isNode, walk, type Node } from "./imports.ts";

const MEMBERS = ["Date.now", "Math.random", "performance.now"];
const OBJECTS = ["process", "Buffer", "crypto", "globalThis"];
const CALLS = ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"];

/** Uses of clock, chance, network and process, in the order of the text. */
export function impureUses(text: string): string[] {
  const found: string[] = [];
  walk(parseAst(text, { lang: "ts" }), (node) => {
    const use = impureUse(node);
    if (use !== undefined) found.push(use);
  });
  return found;
}

function impureUse(node: Node): string | undefined {
  if (node.type === "CallExpression") return CALLS.find((name) => isName(node["callee"], name));
  if (node.type === "NewExpression") {
    const args = node["arguments"];
    return isName(node["callee"], "Date") && Array.isArray(args) && args.length === 0 ? "new Date()" : undefined;
  }
  if (node.type !== "MemberExpression") return undefined;
  const { object, property } = node;
  const member = MEMBERS.find((name) => {
    const [owner = "", key = ""] = name.split(".");
    return isName(object, owner) && isName(property, key);
  });
  return member ?? OBJECTS.find((name) => isNode(object) && object.type === "Identifier" && isName(object, name));
}

const DECLARATIONS =
  /^(Import|Export(Named|All|Default)|Variable|Function|Class|TS\w*)Declaration$|^TS(TypeAlias|Interface|Declare)/;

/** The lines of top-level statements that declare nothing, and of declarations that await. */
export function topLevelActions(text: string): number[] {
  const program: unknown = parseAst(text, { lang: "ts" });
  const body = isNode(program) && Array.isArray(program["body"]) ? program["body"] : [];
  return body
    .filter(isNode)
    .filter((node) => !DECLARATIONS.test(node.type) || awaits(node))
    .map((node) => text.slice(0, Number(node["start"])).split("\n").length);
}

function awaits(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(awaits);
  if (!isNode(value) || /Function|Class|Method/.test(value.type)) return false;
  return (
    value.type === "AwaitExpression" || Object.values(value).some((child) => typeof child === "object" && awaits(child))
  );
}
