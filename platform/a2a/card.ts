/** The card of an agent behind an ArkService: one skill, text in, text out, one bearer token. */
import type { AgentCard } from "@a2a-js/sdk";

export type AgentAddress = { readonly name: string; readonly version: string; readonly url: string };

const BEARER = "bearer";
const TEXT = ["text/plain"];

export function cardOf({ name, version, url }: AgentAddress): AgentCard {
  const at = (protocolVersion: string) => ({ url, protocolBinding: "JSONRPC", tenant: "", protocolVersion });
  return {
    name,
    description: `Agent ${name}, run by Ark.`,
    version,
    supportedInterfaces: [at("1.0"), at("0.3")],
    provider: undefined,
    capabilities: { streaming: true, pushNotifications: false, extensions: [] },
    securitySchemes: {
      [BEARER]: {
        scheme: {
          $case: "httpAuthSecurityScheme",
          value: { description: "Token of the ArkService.", scheme: "bearer", bearerFormat: "" },
        },
      },
    },
    securityRequirements: [{ schemes: { [BEARER]: { list: [] } } }],
    defaultInputModes: TEXT,
    defaultOutputModes: TEXT,
    skills: [
      {
        id: name,
        name,
        description: "Takes a task in words, and answers in words.",
        tags: ["ark"],
        examples: [],
        inputModes: TEXT,
        outputModes: TEXT,
        securityRequirements: [],
      },
    ],
    signatures: [],
  };
}
