/**
 * Templates: Go's text/template syntax, compiled once, rendered through liquidjs (api.md 12).
 *
 * C1  What is not supported is refused here, with line and column; nothing falls back to the literal text.
 * C2  Rendering gives exactly what Go gives, but for the deviations of api.md 12. The corpus holds this.
 * C3  Data is never evaluated as a template, and nothing outside the data is reachable from one.
 * C4  Neither function ever throws.
 */
import { checkNodes } from "./check.ts";
import { Failure, faultAt, type TemplateFault } from "./fault.ts";
import { builtIn } from "./builtins/table.ts";
import { buildRenderer, filterVerdict, type Renderer } from "./liquid.ts";
import { parse, type FunctionCheck } from "./parse.ts";
import { readPaths } from "./paths.ts";
import { utf8Length, wellFormed } from "./utf8.ts";

export type { TemplateFault } from "./fault.ts";

/** api.md 12. */
const MAX_SOURCE_BYTES = 64 * 1024;
const MAX_RESULT_BYTES = 1024 * 1024;

export type TemplateData = { readonly [key: string]: unknown };

/**
 * `print` is called for every printed value and gives the text to emit instead of `text`. The path is where the value
 * stands in the data; a text that a function made of a step's output carries that step's path. Undefined: no place.
 */
export type RenderHooks = { print?: (path: readonly string[] | undefined, text: string) => string };

export type RenderOutcome = { kind: "rendered"; text: string } | { kind: "failed"; fault: TemplateFault };

export interface CompiledTemplate {
  readonly source: string;
  /**
   * Root paths the template reads, such as ["steps", "research", "output"]; `index` with literal keys is followed. Where
   * a key is only known when rendering, the known prefix stands for what is below it.
   */
  readonly paths: readonly (readonly string[])[];
  /** Never throws. */
  render(data: TemplateData, hooks?: RenderHooks): RenderOutcome;
}

export type CompileOutcome =
  | { kind: "compiled"; template: CompiledTemplate }
  | { kind: "refused"; fault: TemplateFault };

const checkFunction: FunctionCheck = (name) => {
  if (name === "call") return { refused: "call is not supported: data holds no functions" };
  return builtIn(name) === undefined ? filterVerdict(name) : "known";
};

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof RangeError) return new Failure("the template or its data is nested too deeply");
  return new Failure(error instanceof Error ? error.message : String(error));
}

class Compiled implements CompiledTemplate {
  readonly source: string;
  readonly paths: readonly (readonly string[])[];
  private readonly renderer: Renderer;
  private readonly maxBytes: number;

  constructor(source: string, paths: readonly (readonly string[])[], renderer: Renderer, maxBytes: number) {
    this.source = source;
    this.paths = paths;
    this.renderer = renderer;
    this.maxBytes = maxBytes;
  }

  render(data: TemplateData, hooks: RenderHooks = {}): RenderOutcome {
    try {
      return { kind: "rendered", text: this.renderer({ data, print: hooks.print, maxBytes: this.maxBytes }) };
    } catch (error) {
      return { kind: "failed", fault: faultAt(this.source, asFailure(error)) };
    }
  }
}

/** Never throws. `maxResultBytes` lowers or raises the bound on the result, in UTF-8 bytes. */
export function compileTemplate(source: string, options: { maxResultBytes?: number } = {}): CompileOutcome {
  try {
    if (utf8Length(source) > MAX_SOURCE_BYTES)
      throw new Failure(`the template is larger than ${MAX_SOURCE_BYTES} bytes`, 0, "pass long texts as data");
    const text = wellFormed(source);
    const nodes = parse(text, checkFunction);
    checkNodes(nodes);
    const maxBytes = options.maxResultBytes ?? MAX_RESULT_BYTES;
    const template = new Compiled(text, readPaths(nodes), buildRenderer(text, nodes), maxBytes);
    return { kind: "compiled", template };
  } catch (error) {
    return { kind: "refused", fault: faultAt(source, asFailure(error)) };
  }
}
