/**
 * Which parts of the data a template can read, found without rendering it: step references are checked by it, and only
 * the outputs it names must be loaded. Where a key is only known at run time the known prefix stands for all below it.
 *
 * A value that is only looked through (`with .steps.a`, `$x := .steps.a`) counts by what is read below it, and counts
 * itself only when nothing is.
 */
import type { BranchNode, Command, Node, Operand, Pipe } from "./ast.ts";
import type { Path } from "./values.ts";

/** Places a value may come from; `open` means somewhere below the path. */
type Origin = { readonly path: Path; readonly open: boolean };
type Origins = readonly Origin[];

/** A variable with more possible origins than this may come from anywhere. */
const MAX_ORIGINS = 64;
/** Loops can carry an assignment back to an earlier action; a few passes reach the end of it. */
const MAX_PASSES = 10;

const ANYWHERE: Origins = [{ path: [], open: true }];

function isPrefix(prefix: Path, path: Path): boolean {
  return prefix.length <= path.length && prefix.every((name, i) => name === path[i]);
}

function below(origins: Origins, names: readonly string[]): Origins {
  return names.length === 0
    ? origins
    : origins.map((origin) => (origin.open ? origin : { path: [...origin.path, ...names], open: false }));
}

function opened(origins: Origins): Origins {
  return origins.map(({ path }) => ({ path, open: true }));
}

class PathSet {
  private readonly byKey = new Map<string, Path>();

  add(origins: Origins): void {
    for (const { path } of origins) this.byKey.set(JSON.stringify(path), path);
  }

  list(): Path[] {
    return [...this.byKey.values()];
  }
}

/** What a declared variable can hold, over all passes. */
class Cell {
  origins: Origin[] = [];

  /** True when something was added. A path below a known one opens that one, so that loops cannot grow it forever. */
  join(added: Origins): boolean {
    let changed = false;
    for (const origin of added) changed = this.joinOne(origin) || changed;
    if (this.origins.length > MAX_ORIGINS) this.origins = [...ANYWHERE];
    return changed;
  }

  private joinOne(added: Origin): boolean {
    const known = this.origins.findIndex(({ path }) => isPrefix(path, added.path));
    const found = this.origins[known];
    if (found === undefined) {
      this.origins.push(added);
      return true;
    }
    const same = found.path.length === added.path.length && !added.open;
    if (found.open || same) return false;
    this.origins[known] = { path: found.path, open: true };
    return true;
  }
}

class Collector {
  readonly reads = new PathSet();
  readonly glimpses = new PathSet();
  changed = false;
  private readonly cells = new Map<string, Cell>();
  private variables: { name: string; cell: Cell }[] = [];
  private dot: Origins = [];

  pass(nodes: readonly Node[]): void {
    const root = new Cell();
    root.origins = [{ path: [], open: false }];
    this.variables = [{ name: "$", cell: root }];
    this.dot = root.origins;
    this.changed = false;
    this.nodes(nodes);
  }

  private nodes(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (node.kind === "action") {
        const value = this.pipe(node.pipe);
        if (node.pipe.names.length === 0) this.reads.add(value);
      } else if ("body" in node) this.branch(node);
    }
  }

  private branch(node: BranchNode): void {
    const mark = this.variables.length;
    const dot = this.dot;
    const value = this.pipe(node.pipe, node.kind === "range");
    if (node.kind === "with") this.glimpses.add(value);
    else this.reads.add(value);
    if (node.kind === "with") this.dot = value;
    if (node.kind === "range") this.dot = opened(value);
    this.nodes(node.body);
    this.dot = dot;
    this.nodes(node.otherwise);
    this.variables.length = mark;
  }

  private pipe(pipe: Pipe, isRange = false): Origins {
    let value: Origins | undefined;
    for (const command of pipe.commands) value = this.command(command, value);
    const result = value ?? [];
    if (pipe.names.length > 0) this.glimpses.add(result);
    for (const name of pipe.names) this.bind(pipe, name, isRange ? [...result, ...opened(result)] : result);
    return result;
  }

  private bind(pipe: Pipe, name: string, value: Origins): void {
    const key = `${pipe.at} ${name}`;
    const cell = pipe.assign ? this.find(name) : (this.cells.get(key) ?? new Cell());
    this.changed = cell.join(value) || this.changed;
    if (pipe.assign) return;
    this.cells.set(key, cell);
    this.variables.push({ name, cell });
  }

  private find(name: string): Cell {
    return this.variables.findLast((variable) => variable.name === name)?.cell ?? new Cell();
  }

  private command({ head, args }: Command, piped: Origins | undefined): Origins {
    if (head.kind !== "function") return this.operand(head);
    if (head.name === "index") return this.index(args, piped);
    const values = args.map((arg) => this.operand(arg));
    if (piped !== undefined) values.push(piped);
    if (head.name === "and" || head.name === "or" || head.name === "default") return this.oneOf(values);
    for (const value of values) this.reads.add(value);
    return [];
  }

  private oneOf(values: readonly Origins[]): Origins {
    const all = values.flat();
    this.glimpses.add(all);
    return all.length > MAX_ORIGINS ? ANYWHERE : all;
  }

  private index(args: readonly Operand[], piped: Origins | undefined): Origins {
    const [container, ...keys] = args;
    let value = container === undefined ? (piped ?? []) : this.operand(container);
    for (const key of keys) value = this.step(value, key);
    if (container === undefined || piped === undefined) return value;
    this.reads.add(piped);
    return opened(value);
  }

  private step(container: Origins, key: Operand): Origins {
    if (key.kind === "constant") return below(container, [String(key.value)]);
    this.reads.add(this.operand(key));
    return opened(container);
  }

  private operand(operand: Operand): Origins {
    switch (operand.kind) {
      case "constant":
      case "nil":
      case "function":
        return [];
      case "dot":
        return this.dot;
      case "field":
        return below(this.dot, operand.names);
      case "variable":
        return below(this.find(operand.name).origins, operand.names);
      case "chain":
        return below(this.operand(operand.base), operand.names);
      case "pipe":
        return this.pipe(operand);
    }
  }
}

/** Every path the template may read, in no promised order; the empty path stands for the whole data. */
export function readPaths(nodes: readonly Node[]): readonly Path[] {
  const collector = new Collector();
  for (let i = 0; i < MAX_PASSES && (i === 0 || collector.changed); i++) collector.pass(nodes);
  const reads = collector.reads.list();
  const unread = collector.glimpses.list().filter((glimpse) => !reads.some((read) => isPrefix(glimpse, read)));
  return [...reads, ...unread];
}
