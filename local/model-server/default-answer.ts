/**
 * What the server says without a script: the same request always gets the same answer. It never calls a tool.
 */
import { sampleOf } from "./sample.ts";
import { lastUserText, type Answer, type ChatRequest } from "./script.ts";

const ECHO_CHARS = 200;
const MARKS = /<\/?ark:[a-z-]+[^>]*>|<\/?content>/g;

export function defaultAnswer(request: ChatRequest): Answer {
  const prompt = lastUserText(request);
  const format = request.responseFormat as { type?: string; json_schema?: { schema?: unknown } } | undefined;
  if (format?.type === "json_schema") return { json: sampleOf(format.json_schema?.schema) };
  if (format?.type === "json_object") return { json: { answer: echo(prompt) } };
  if (/\bVALID\b/.test(prompt) && /\bINVALID:/.test(prompt)) return { text: "VALID" };
  if (/\bHEALTHY\b/.test(prompt)) return { text: "HEALTHY" };
  return { text: `Mock answer to: ${echo(prompt)}` };
}

/** One line, without the marks that prompts put around data, and never ending inside a character. */
function echo(prompt: string): string {
  const line = prompt.replace(MARKS, " ").replace(/\s+/g, " ").trim();
  const chars = Array.from(line);
  return chars.length <= ECHO_CHARS ? line : `${chars.slice(0, ECHO_CHARS).join("")}…`;
}
