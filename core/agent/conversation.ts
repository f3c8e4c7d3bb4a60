/**
 * The messages of one task, with what is derived from them kept beside: each message is looked at once, so that a
 * hundred calls on a long context cost what the context costs, not its square.
 *
 * C1  `digest` chains: it names the whole conversation so far and is made from the last digest and the new message.
 * C2  `bytes` is the size of all messages in UTF-8.
 */
import { sha256Hex } from "#core/template/sha256.ts";
import type { Message, ToolSpec } from "./ports.ts";

export type Conversation = {
  readonly messages: readonly Message[];
  readonly digest: string;
  readonly bytes: number;
  readonly append: (...messages: readonly Message[]) => void;
};

const encoder = new TextEncoder();

export function startConversation(first: readonly Message[]): Conversation {
  const messages: Message[] = [];
  let digest = "";
  let bytes = 0;
  const append = (...added: readonly Message[]) => {
    for (const message of added) {
      const encoded = encoder.encode(JSON.stringify(message));
      digest = sha256Hex(encoder.encode(`${digest}\n${sha256Hex(encoded)}`));
      bytes += encoded.length;
      messages.push(message);
    }
  };
  append(...first);
  return {
    messages,
    get digest() {
      return digest;
    },
    get bytes() {
      return bytes;
    },
    append,
  };
}

/**
 * Tokens to reserve for what goes in: three bytes each, above what providers count for any common script, because a
 * reservation that is too small would let a budget be overspent (P6).
 */
export function inputTokens(bytes: number, tools: readonly ToolSpec[]): number {
  const toolBytes = tools.length === 0 ? 0 : encoder.encode(JSON.stringify(tools)).length;
  return Math.ceil((bytes + toolBytes) / 3);
}
