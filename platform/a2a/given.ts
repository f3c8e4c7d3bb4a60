/** What a client's message says: text, and data as JSON text. Files are refused by name, never dropped in silence. */
import { ContentTypeNotSupportedError, RequestMalformedError } from "@a2a-js/sdk/errors";
import type { Message, Part } from "@a2a-js/sdk";

const MAX_ID_CHARS = 255;

/** What a client sent. */
export type Given = { readonly text: string; readonly messageId: string; readonly contextId: string };

export function givenOf(message: Message | undefined): Given {
  if (message === undefined) throw new RequestMalformedError("message is required");
  const { messageId, contextId, taskId, parts } = message;
  if (messageId === "" || messageId.length > MAX_ID_CHARS)
    throw new RequestMalformedError(`messageId has 1 to ${MAX_ID_CHARS} characters`);
  if (contextId.length > MAX_ID_CHARS)
    throw new RequestMalformedError(`contextId has at most ${MAX_ID_CHARS} characters`);
  // A task is one run, which has ended or is at work: it takes no second message.
  if (taskId !== "") throw new RequestMalformedError("a task takes one message: leave taskId out, keep contextId");
  const text = parts.map(textOf).join("\n");
  if (text.trim() === "") throw new RequestMalformedError("message.parts hold no text");
  return { text, messageId, contextId: contextId === "" ? messageId : contextId };
}

function textOf({ content, filename }: Part): string {
  switch (content?.$case) {
    case "text":
      return content.value;
    case "data":
      return JSON.stringify(content.value);
    default:
      throw new ContentTypeNotSupportedError(`a part that is a file is not taken: ${filename}`);
  }
}
