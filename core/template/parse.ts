/**
 * The parser of text/template/parse/parse.go (Go 1.26), without `define`, `template`, `block` and `call`, which are
 * refused: a template of ours is one text and calls nothing.
 *
 * Throws `Failure`; `compileTemplate` makes it an outcome.
 */
import type { BranchNode, Command, Node, Operand, Pipe } from "./ast.ts";
import { Failure } from "./fault.ts";
import { unknownFunctionHint } from "./hint.ts";
import { lex, type Token, type TokenKind } from "./lex.ts";
import { parseNumber, runeConstant, unquote } from "./literal.ts";

/** Deeper nesting is refused: parsing and rendering recurse, and no prompt needs it. */
const MAX_DEPTH = 150;

/** What a name in function position is; a refused one says why. */
export type FunctionCheck = (name: string) => "known" | "unknown" | { refused: string; hint?: string };

const REFUSED_KEYWORDS: Readonly<Record<string, string>> = {
  define: "define is not supported: a template is one text",
  template: "template is not supported: a template cannot call another one",
  block: "block is not supported: a template is one text",
};

const OPERAND_STARTS: ReadonlySet<TokenKind> = new Set([
  "bool",
  "charConstant",
  "dot",
  "field",
  "identifier",
  "leftParen",
  "nil",
  "number",
  "rawString",
  "string",
  "variable",
]);

type ListEnd = { word: "end" | "else"; token: Token };

class Parser {
  private readonly tokens: readonly Token[];
  private readonly check: FunctionCheck;
  private next = 0;
  private vars: string[] = ["$"];
  private rangeDepth = 0;
  private depth = 0;

  constructor(source: string, check: FunctionCheck) {
    this.tokens = lex(source);
    this.check = check;
  }

  template(): Node[] {
    const nodes: Node[] = [];
    while (this.peek().kind !== "eof") {
      const node = this.textOrAction();
      if ("word" in node) throw new Failure(`unexpected {{${node.word}}}`, node.token.at);
      nodes.push(node);
    }
    return nodes;
  }

  private peek(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)] as Token;
  }

  private take(): Token {
    const token = this.peek();
    this.next++;
    return token;
  }

  private peekNonSpace(): Token {
    while (this.peek().kind === "space") this.next++;
    return this.peek();
  }

  private takeNonSpace(): Token {
    this.peekNonSpace();
    return this.take();
  }

  private unexpected(token: Token, context: string): Failure {
    if (token.kind === "error") return new Failure(token.text, token.at, token.hint);
    if (token.kind === "eof") return new Failure(`unexpected end of the template in ${context}`, token.at);
    if (token.kind === "keyword") return new Failure(`unexpected <${token.text}> in ${context}`, token.at);
    return new Failure(`unexpected ${JSON.stringify(token.text)} in ${context}`, token.at);
  }

  private expectClose(context: string): void {
    const token = this.takeNonSpace();
    if (token.kind !== "rightDelim") throw this.unexpected(token, context);
  }

  /** Nodes up to {{end}} or {{else}}, which is returned apart. */
  private list(opened: Token): { nodes: Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    while (this.peekNonSpace().kind !== "eof") {
      const node = this.textOrAction();
      if ("word" in node) return { nodes, end: node };
      nodes.push(node);
    }
    throw new Failure("unexpected end of the template", opened.at, `{{ ${opened.text} }} needs its {{ end }}`);
  }

  private textOrAction(): Node | ListEnd {
    const token = this.takeNonSpace();
    if (token.kind === "text") return { kind: "text", at: token.at, text: token.text };
    if (token.kind === "leftDelim") return this.action();
    throw this.unexpected(token, "input");
  }

  private action(): Node | ListEnd {
    const token = this.peekNonSpace();
    if (token.kind === "keyword") {
      this.take();
      return this.control(token);
    }
    return { kind: "action", at: token.at, pipe: this.pipeline("command", "rightDelim") };
  }

  private control(token: Token): Node | ListEnd {
    switch (token.text) {
      case "break":
      case "continue":
        return this.leaveLoop(token, token.text);
      case "else":
        return this.elseControl(token);
      case "end":
        this.expectClose("end");
        return { word: "end", token };
      case "if":
      case "range":
      case "with":
        return this.branch(token, token.text);
      default:
        throw new Failure(REFUSED_KEYWORDS[token.text] ?? `unexpected ${token.text}`, token.at);
    }
  }

  private leaveLoop(token: Token, kind: "break" | "continue"): Node {
    this.expectClose(`{{${kind}}}`);
    if (this.rangeDepth === 0) throw new Failure(`{{${kind}}} outside {{range}}`, token.at);
    return { kind, at: token.at };
  }

  /** In {{else if …}} and {{else with …}} the keyword stays pending, so that the branch goes on with it. */
  private elseControl(token: Token): ListEnd {
    const next = this.peekNonSpace();
    if (next.kind !== "keyword" || (next.text !== "if" && next.text !== "with")) this.expectClose("else");
    return { word: "else", token };
  }

  private branch(opened: Token, kind: BranchNode["kind"]): BranchNode {
    this.enter(opened);
    const outer = this.vars.length;
    const pipe = this.pipeline(kind, "rightDelim");
    if (kind === "range") this.rangeDepth++;
    const { nodes: body, end } = this.list(opened);
    if (kind === "range") this.rangeDepth--;
    const otherwise = end.word === "else" ? this.otherwise(opened, kind) : [];
    this.vars.length = outer;
    this.depth--;
    return { kind, at: opened.at, pipe, body, otherwise };
  }

  private otherwise(opened: Token, kind: BranchNode["kind"]): Node[] {
    const next = this.peek();
    if (next.kind === "keyword" && next.text === kind && (kind === "if" || kind === "with")) {
      this.take();
      return [this.branch(next, kind)];
    }
    const { nodes, end } = this.list(opened);
    if (end.word !== "end") throw new Failure("expected end; found {{else}}", end.token.at);
    return nodes;
  }

  private enter(token: Token): void {
    if (++this.depth > MAX_DEPTH) throw new Failure(`nested more than ${MAX_DEPTH} levels deep`, token.at);
  }

  private pipeline(context: string, end: TokenKind): Pipe {
    const at = this.peekNonSpace().at;
    const { names, assign } = this.declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.takeNonSpace();
      if (token.kind === end) break;
      if (!OPERAND_STARTS.has(token.kind)) throw this.unexpected(token, context);
      this.next--;
      commands.push(this.command(commands.length + 1));
    }
    if (commands.length === 0) throw new Failure(`missing value for ${context}`, at);
    return { kind: "pipe", at, names, assign, commands };
  }

  /** `$x :=`, `$x =`, and in a range `$i, $e :=`. */
  private declarations(context: string): { names: string[]; assign: boolean } {
    const names: string[] = [];
    while (this.peekNonSpace().kind === "variable") {
      const start = this.next;
      const variable = this.take();
      const follow = this.peekNonSpace();
      if (follow.kind === "assign" || follow.kind === "declare") {
        this.take();
        this.name(names, variable);
        return { names, assign: follow.kind === "assign" };
      }
      if (follow.kind !== "char" || follow.text !== ",") {
        this.next = start;
        break;
      }
      this.take();
      this.name(names, variable);
      this.checkSecondVariable(context, names, follow);
    }
    return { names, assign: false };
  }

  private checkSecondVariable(context: string, names: readonly string[], comma: Token): void {
    if (context !== "range" || names.length >= 2) throw new Failure(`too many declarations in ${context}`, comma.at);
    const kind = this.peekNonSpace().kind;
    if (kind !== "variable" && kind !== "rightDelim" && kind !== "rightParen")
      throw new Failure("range can only initialize variables", comma.at);
  }

  private name(names: string[], variable: Token): void {
    names.push(variable.text);
    this.vars.push(variable.text);
  }

  private command(stage: number): Command {
    const at = this.peekNonSpace().at;
    const [head, ...args] = this.operands();
    if (head === undefined) throw new Failure("empty command", at);
    if (stage > 1 && (head.kind === "constant" || head.kind === "dot" || head.kind === "nil"))
      throw new Failure(`non executable command in pipeline stage ${stage}`, at);
    return { at, head, args };
  }

  /** Up to and with the `|`, or up to the end of the pipeline. */
  private operands(): Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      this.peekNonSpace();
      const operand = this.operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.take();
      if (token.kind === "space") continue;
      if (token.kind === "rightDelim" || token.kind === "rightParen") this.next--;
      else if (token.kind !== "pipe") throw this.unexpected(token, "operand");
      return operands;
    }
  }

  /** A term and the fields behind it; undefined when the next token starts no operand. */
  private operand(): Operand | undefined {
    const term = this.term();
    if (term === undefined || this.peek().kind !== "field") return term;
    const at = this.peek().at;
    const names: string[] = [];
    while (this.peek().kind === "field") names.push(this.take().text.slice(1));
    switch (term.kind) {
      case "field":
      case "variable":
        return { ...term, names: [...term.names, ...names] };
      case "constant":
      case "dot":
      case "nil":
        throw new Failure("unexpected . after a value that has no fields", at);
      default:
        return { kind: "chain", at: term.at, base: term, names };
    }
  }

  private term(): Operand | undefined {
    const token = this.takeNonSpace();
    const { at, text } = token;
    switch (token.kind) {
      case "identifier":
        return this.functionName(token);
      case "dot":
      case "nil":
        return { kind: token.kind, at };
      case "variable":
        return this.variable(token);
      case "field":
        return { kind: "field", at, names: [text.slice(1)] };
      case "leftParen":
        return this.parenthesized(token);
      default:
        return this.constant(token);
    }
  }

  private constant({ kind, at, text }: Token): Operand | undefined {
    try {
      switch (kind) {
        case "bool":
          return { kind: "constant", at, value: text === "true" };
        case "number":
          return { kind: "constant", at, value: parseNumber(text) };
        case "charConstant":
          return { kind: "constant", at, value: runeConstant(text) };
        case "string":
        case "rawString":
          return { kind: "constant", at, value: unquote(text) };
        default:
          this.next--;
          return undefined;
      }
    } catch (error) {
      throw error instanceof Failure ? error.placedAt(at) : error;
    }
  }

  private functionName({ at, text }: Token): Operand {
    const verdict = this.check(text);
    if (verdict === "known") return { kind: "function", at, name: text };
    if (verdict === "unknown") throw new Failure(`function "${text}" not defined`, at, unknownFunctionHint(text));
    throw new Failure(verdict.refused, at, verdict.hint);
  }

  private variable({ at, text }: Token): Operand {
    if (!this.vars.includes(text)) throw new Failure(`undefined variable "${text}"`, at);
    return { kind: "variable", at, name: text, names: [] };
  }

  private parenthesized(opened: Token): Operand {
    this.enter(opened);
    const pipe = this.pipeline("parenthesized pipeline", "rightParen");
    this.depth--;
    return pipe;
  }
}

export function parse(source: string, check: FunctionCheck): readonly Node[] {
  return new Parser(source, check).template();
}
