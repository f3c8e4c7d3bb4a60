/** What an agent says, in the shapes of the protocol. */
import { Role, type Artifact, type Message, type Part } from "@a2a-js/sdk";

function textPart(value: string): Part {
  return { content: { $case: "text", value }, metadata: undefined, filename: "", mediaType: "text/plain" };
}

export function artifact(taskId: string, output: string): Artifact {
  return {
    artifactId: `${taskId}-output`,
    name: "output",
    description: "",
    parts: [textPart(output)],
    metadata: undefined,
    extensions: [],
  };
}

export function agentMessage(taskId: string, contextId: string, text: string): Message {
  return {
    messageId: `${taskId}-status`,
    contextId,
    taskId,
    role: Role.ROLE_AGENT,
    parts: [textPart(text)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}
