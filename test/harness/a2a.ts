/** A client of A2A 1.0, the SDK's own, with a service's token; and what it says. */
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, type Client } from "@a2a-js/sdk/client";
import { Role, type SendMessageRequest } from "@a2a-js/sdk";

/** `timeoutMs`: of each request; default: none. */
export function a2aClient(url: string, authorization: string, timeoutMs?: number): Promise<Client> {
  const fetchImpl: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", authorization);
    const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
    return fetch(input, { ...init, headers, ...signal });
  };
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver(),
  });
  return factory.createFromUrl(url, ".well-known/agent-card.json");
}

export type Over = { readonly messageId?: string; readonly immediately?: boolean };

let messages = 0;

/** Each with an id of its own unless it is given one. */
export function a2aMessage(text: string, { messageId, immediately = false }: Over = {}): SendMessageRequest {
  messages += 1;
  return {
    tenant: "",
    message: {
      messageId: messageId ?? `message-${messages}`,
      contextId: "conversation-1",
      taskId: "",
      role: Role.ROLE_USER,
      parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "text/plain" }],
      metadata: undefined,
      extensions: [],
      referenceTaskIds: [],
    },
    configuration: {
      acceptedOutputModes: [],
      taskPushNotificationConfig: undefined,
      returnImmediately: immediately,
    },
    metadata: undefined,
  };
}
