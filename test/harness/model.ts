/**
 * A scripted model in one line: `await using model = await startModel([{ text: "hello" }]);` A list fails the test when
 * a call comes that it has no answer for, and when answers are left over.
 */
import { startModelServer, type LoggedRequest, type ModelServer } from "../../local/model-server/server.ts";
import type { Script } from "../../local/model-server/script.ts";

export type TestModel = Omit<ModelServer, "requests"> & { readonly requests: () => readonly LoggedRequest[] };

/** Tokens of all answers, by the server's own log. */
export function tokensGiven(model: Pick<ModelServer, "requests">): number {
  return model.requests().reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0), 0);
}

export async function startModel(script?: Script): Promise<TestModel> {
  const server = await startModelServer(script === undefined ? {} : { script });
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      const { unexpected, left } = server.mismatch();
      await server.stop();
      if (unexpected > 0 || left > 0)
        throw new Error(`model script: ${unexpected} unexpected calls, ${left} left over`);
    },
  };
}
