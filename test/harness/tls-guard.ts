/** A door over real TLS before a server that speaks plain TCP: it lets in who shows a certificate of its authority. */
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import type { Issued } from "./certificates.ts";

export type TlsGuard = AsyncDisposable & {
  readonly port: number;
  /** Names in the certificates that came in. */
  readonly seen: readonly string[];
};

export async function startTlsGuard(inner: number, issued: Issued, options: TlsOptions = {}): Promise<TlsGuard> {
  const seen: string[] = [];
  const open = new Set<{ destroy(): unknown }>();
  const server = createServer({ ...issued, requestCert: true, rejectUnauthorized: true, ...options }, (socket) => {
    const name = socket.getPeerCertificate().subject?.CN;
    if (typeof name === "string") seen.push(name);
    const behind = connect(inner, "127.0.0.1");
    const ends = [socket, behind];
    for (const end of ends) {
      open.add(end);
      end
        .on("error", () => undefined)
        .on("close", () => {
          open.delete(end);
          for (const one of ends) one.destroy();
        });
    }
    socket.pipe(behind).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const end of open) end.destroy();
      await once(server, "close");
    },
  };
}
