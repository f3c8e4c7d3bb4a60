/**
 * fetch that shows a client certificate. Node's own takes a dispatcher, but of the undici inside it alone: agent and
 * fetch are of one package here, loaded by those who need it.
 *
 * F1  HTTP/1.1 alone, as the global fetch; the authorities of `ca` replace the public ones.
 * F2  `close` ends every connection that it opened.
 */
import { createSecureContext, type SecureContext } from "node:tls";
import type { ClientTls } from "#core/agent/task.ts";

export type TlsFetch = { readonly fetch: typeof globalThis.fetch; readonly close: () => Promise<void> };

/** Throws where the texts are no certificate and key that belong together; what it throws quotes none of them. */
export async function tlsFetch(tls: ClientTls): Promise<TlsFetch> {
  const secureContext = contextOf(tls);
  const { Agent, fetch } = await import("undici");
  const dispatcher = new Agent({ connect: { secureContext }, allowH2: false });
  const own = fetch as unknown as (input: Parameters<typeof globalThis.fetch>[0], init: object) => Promise<Response>;
  return {
    fetch: (input, init) => own(input, { ...init, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}

function contextOf(tls: ClientTls): SecureContext {
  try {
    return createSecureContext({ ...tls });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the client certificate cannot be used: ${why}`);
  }
}
