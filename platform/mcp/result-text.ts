/** What a model reads of a tool's result: every part of it (D27). Bytes are named, not shown. */
import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/client";

export function resultText({ content, structuredContent }: CallToolResult): string {
  const parts = content.map(partText).filter((text) => text !== "");
  if (parts.length > 0) return parts.join("\n\n");
  return structuredContent === undefined ? "" : JSON.stringify(structuredContent);
}

function partText(part: ContentBlock): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
    case "audio":
      return `[${part.type} ${part.mimeType}, ${bytesOf(part.data)} bytes]`;
    case "resource_link":
      return [
        `[resource ${part.name}: ${part.uri}]`,
        ...(part.description === undefined ? [] : [part.description]),
      ].join("\n");
    case "resource":
      return resourceText(part.resource);
  }
}

function resourceText(resource: Extract<ContentBlock, { type: "resource" }>["resource"]): string {
  if ("text" in resource) return `[resource ${resource.uri}]\n${resource.text}`;
  return `[resource ${resource.uri}${resource.mimeType === undefined ? "" : `, ${resource.mimeType}`}, ${bytesOf(resource.blob)} bytes]`;
}

function bytesOf(base64: string): number {
  return Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
}
