/**
 * Passes requests on to another server, streaming both ways, by http-proxy-3.
 *
 * X1  Headers of one connection stay on it (RFC 9110, 7.6.1), both ways; the rest goes on as it is.
 * X2  Either side that goes away ends the other, also in the middle of an answer. Both have a limit of silence.
 * X3  An answer's head goes on as soon as it is there, with or without a body.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createProxyServer } from "http-proxy-3";

export type ForwardOptions = {
  readonly silenceMs: number;
  readonly connectMs: number;
  readonly maxSockets: number;
};

export type Forwarder = Disposable & {
  /** `onUnreached`: nothing was answered, and nothing has been written to `answer`. Never throws. */
  forward(asked: IncomingMessage, answer: ServerResponse, to: URL, onUnreached: (error: Error) => void): void;
};

const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
] as const;

export function createForwarder({ silenceMs, connectMs, maxSockets }: ForwardOptions): Forwarder {
  const agent = new Agent({ keepAlive: true, maxSockets, timeout: silenceMs });
  const proxy = createProxyServer({ agent, changeOrigin: true, proxyTimeout: silenceMs, connectTimeout: connectMs });
  proxy.on("proxyRes", (response, _asked, answer) => {
    stripHops(response.headers);
    // X2: the library pipes, and a pipe does not tell that its source broke.
    response.once("close", () => {
      if (!response.complete) answer.destroy();
    });
    // X3: the library writes the head right after this.
    process.nextTick(() => {
      if (!answer.headersSent && !answer.destroyed) answer.flushHeaders();
    });
  });
  // Its caller went away first: there is nobody to tell.
  proxy.on("econnreset", (_error, _asked, answer) => void answer.destroy());
  return {
    forward: (asked, answer, to, onUnreached) => {
      addOrigin(asked);
      stripHops(asked.headers);
      proxy.web(asked, answer, { target: to }, (error) => {
        if (answer.headersSent || answer.destroyed) return void answer.destroy();
        asked.unpipe();
        onUnreached(error);
      });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** A Knative function is found by its Host; who asked, and by which name, stands beside it. */
function addOrigin({ headers, socket }: IncomingMessage): void {
  const before = headers["x-forwarded-for"];
  headers["x-forwarded-for"] = [...(before === undefined ? [] : [before].flat()), socket.remoteAddress ?? ""].join(
    ", ",
  );
  headers["x-forwarded-host"] ??= headers.host ?? "";
  headers["x-forwarded-proto"] ??= "http";
}

/** X1. */
function stripHops(headers: IncomingHttpHeaders): void {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  for (const name of [...HOP_BY_HOP, ...named]) Reflect.deleteProperty(headers, name);
}
