/**
 * The door to liquidjs, the engine that renders: our tree becomes liquidjs templates, its filters become functions.
 *
 * Only the syntax is Go's. No Liquid source is ever parsed, so `{% %}` in a template or in data is text; the traps of
 * style.md 12.1 (Go's words read as Liquid's) cannot arise. liquidjs holds the limits on time and memory.
 */
import {
  Context,
  Liquid,
  Token,
  TokenKind,
  toValueSync,
  type Emitter,
  type FilterImplOptions,
  type Template,
} from "liquidjs";
import type { BranchNode, Node } from "./ast.ts";
import { evaluatePipe } from "./evaluate.ts";
import { Failure } from "./fault.ts";
import { defaultText } from "./format/printer.ts";
import { rounds, type Round } from "./rounds.ts";
import { Scope, type Engine } from "./scope.ts";
import { toText, utf8Length } from "./utf8.ts";
import { ByteValue, isTrue, readValue, type Path, type Value } from "./values.ts";

/** api.md 12. */
const RENDER_LIMIT_MS = 1_000;
/** Objects and characters that functions may make on the way; the result itself is bounded apart. */
const MEMORY_LIMIT = 64 * 1024 * 1024;

const REGISTER = "ark";

/** `*_exp` evaluates its argument as Liquid, and data is never evaluated; `sample` gives another text each time. */
const REFUSED_FILTERS: ReadonlyMap<string, string> = new Map([
  ...["where_exp", "reject_exp", "group_by_exp", "has_exp", "find_exp", "find_index_exp"].map(
    (name) => [name, `${name} is not supported: it would evaluate its argument as a template`] as const,
  ),
  ["sample", "sample is not supported: equal input gives equal text"],
]);

const engine = new Liquid({
  strictFilters: true,
  strictVariables: true,
  ownPropertyOnly: true,
  timezoneOffset: 0,
  locale: "en-US",
  renderLimit: RENDER_LIMIT_MS,
  memoryLimit: MEMORY_LIMIT,
  templates: {},
});

/** What a name means as a function beside the built-in ones. */
export function filterVerdict(name: string): "known" | "unknown" | { refused: string } {
  const refused = REFUSED_FILTERS.get(name);
  if (refused !== undefined) return { refused };
  return Object.hasOwn(engine.filters, name) ? "known" : "unknown";
}

/** liquidjs asks every template for its place when it reports an error. */
class SourceToken extends Token {
  constructor(source: string, at: number) {
    super(TokenKind.HTML, source, at, at);
  }
}

type PrintHook = (path: Path | undefined, text: string) => string;

type Rendering = { scope: Scope; print: PrintHook | undefined; maxBytes: number; bytes: number };

function renderingOf(context: Context): Rendering {
  return context.getRegister<Rendering>(REGISTER) as Rendering;
}

function write(rendering: Rendering, emitter: Emitter, text: string, at: number): void {
  rendering.bytes += utf8Length(text);
  if (rendering.bytes > rendering.maxBytes)
    throw new Failure(`the result is larger than ${rendering.maxBytes} bytes`, at);
  emitter.write(text);
}

class Builder {
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  templates(nodes: readonly Node[]): Template[] {
    return nodes.map((node) => ({ token: new SourceToken(this.source, node.at), render: this.renderer(node) }));
  }

  private renderer(node: Node): Template["render"] {
    switch (node.kind) {
      case "text":
        return (context, emitter) => write(renderingOf(context), emitter, node.text, node.at);
      case "action":
        return (context, emitter) => renderAction(node, renderingOf(context), emitter);
      case "if":
      case "with":
        return this.choice(node);
      case "range":
        return this.loop(node);
      case "break":
        return (context) => {
          context.breakCalled = true;
        };
      case "continue":
        return (context) => {
          context.continueCalled = true;
        };
    }
  }

  private choice(node: BranchNode): Template["render"] {
    const body = this.templates(node.body);
    const otherwise = this.templates(node.otherwise);
    return function* (context: Context, emitter: Emitter) {
      const { scope } = renderingOf(context);
      const mark = scope.variables.length;
      const dot = scope.dot;
      const value = evaluatePipe(node.pipe, scope);
      const holds = isTrue(value.value);
      if (holds && node.kind === "with") scope.dot = value;
      yield engine.renderer.renderTemplates(holds ? body : otherwise, context, emitter);
      scope.dot = dot;
      scope.variables.length = mark;
    };
  }

  private loop(node: BranchNode): Template["render"] {
    const body = this.templates(node.body);
    const otherwise = this.templates(node.otherwise);
    return function* (context: Context, emitter: Emitter) {
      const { scope } = renderingOf(context);
      const outer = scope.variables.length;
      const dot = scope.dot;
      const over = evaluatePipe(node.pipe, scope);
      const inner = scope.variables.length;
      let ran = false;
      for (const round of rounds(over, node.pipe, scope.stringMaps)) {
        ran = true;
        startRound(node, round, scope);
        yield engine.renderer.renderTemplates(body, context, emitter);
        scope.variables.length = inner;
        const left = context.breakCalled;
        context.breakCalled = false;
        context.continueCalled = false;
        if (left) break;
      }
      scope.dot = dot;
      if (!ran) yield engine.renderer.renderTemplates(otherwise, context, emitter);
      scope.variables.length = outer;
    };
  }
}

function renderAction(node: Extract<Node, { kind: "action" }>, rendering: Rendering, emitter: Emitter): void {
  const { value, path } = evaluatePipe(node.pipe, rendering.scope);
  if (node.pipe.names.length > 0) return;
  try {
    const text = defaultText(value, rendering.scope.stringMaps);
    write(rendering, emitter, rendering.print === undefined ? text : rendering.print(path, toText(text)), node.at);
  } catch (error) {
    throw error instanceof Failure ? error.placedAt(node.at) : error;
  }
}

/** One variable holds the element, two hold index and element; they were declared when the pipeline was evaluated. */
function startRound(node: BranchNode, { index, element }: Round, scope: Scope): void {
  try {
    scope.countRound();
  } catch (error) {
    throw error instanceof Failure ? error.placedAt(node.at) : error;
  }
  const { names } = node.pipe;
  const values = names.length > 1 ? [index, element] : [element];
  names.forEach((name, i) => scope.assign(name, values[i] ?? element));
  scope.dot = element;
}

function forFilter(value: Value): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return toText(value);
  return value instanceof ByteValue ? value.byte : (value ?? undefined);
}

/** A whole number that a filter gives is an int, so that `index` and %d take it. */
function fromFilter(result: unknown): Value {
  return typeof result === "number" && Number.isSafeInteger(result) ? BigInt(result) : readValue(result);
}

function handlerOf(name: string): Exclude<FilterImplOptions, { handler: unknown }> {
  const filter = engine.filters[name];
  if (filter === undefined) throw new Failure(`function "${name}" not defined`);
  return typeof filter === "function" ? filter : filter.handler;
}

const CLOCK_WORDS: ReadonlySet<unknown> = new Set(["now", "today"]);

function engineFor(context: Context, token: Token): Engine {
  return {
    callFilter(name, args) {
      const [input, ...rest] = args.map(forFilter);
      if (name.startsWith("date") && CLOCK_WORDS.has(input))
        throw new Failure(`${String(input)} is not supported`, undefined, "use .trigger.firedAt");
      const handler = handlerOf(name);
      const self = { context, liquid: engine, token } as ThisParameterType<typeof handler>;
      try {
        return fromFilter(toValueSync(handler.apply(self, [input, ...rest])));
      } catch (error) {
        throw failureOf(error);
      }
    },
    // An empty list renders nothing, but liquidjs looks at its clock before it.
    checkTime() {
      toValueSync(engine.renderer.renderTemplates([], context));
    },
    useMemory(chars) {
      context.memoryLimit.use(chars);
    },
  };
}

type RenderRequest = {
  data: { readonly [key: string]: unknown };
  print: PrintHook | undefined;
  maxBytes: number;
};

/** Renders; throws `Failure`. */
export type Renderer = (request: RenderRequest) => string;

export function buildRenderer(source: string, nodes: readonly Node[]): Renderer {
  const templates = new Builder(source).templates(nodes);
  const token = new SourceToken(source, 0);
  return ({ data, print, maxBytes }) => {
    const limits = { sync: true, renderLimit: RENDER_LIMIT_MS, memoryLimit: MEMORY_LIMIT };
    const context = new Context(data, engine.options, limits, { liquid: engine });
    const scope = new Scope(data, engineFor(context, token));
    context.setRegister(REGISTER, { scope, print, maxBytes, bytes: 0 } satisfies Rendering);
    try {
      return toText(String(engine.renderSync(templates, context)));
    } catch (error) {
      throw failureOf(error);
    }
  };
}

/** liquidjs wraps what a template throws; its own errors are those of its limits. */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const wrapped = error as { originalError?: unknown; token?: { begin: number }; message?: string };
  if (wrapped.originalError instanceof Failure) return wrapped.originalError;
  const message = String(wrapped.message);
  const at = wrapped.token?.begin;
  if (message.includes("template render limit"))
    return new Failure(`rendering took longer than ${RENDER_LIMIT_MS} ms`, at);
  if (message.includes("memory alloc limit")) return new Failure("rendering needs too much memory", at);
  return new Failure(message, at);
}
