/** HTTP to the local server: one place that knows tokens, timeouts, and what each failure means for the user. */
import * as z from "zod";
import { innermostReason } from "#core/causes.ts";
import { ArkError, type ErrorCode } from "#core/errors.ts";
import { answerText } from "./answer-text.ts";

const ANSWER_TIMEOUT_MS = 30_000;

/** A Kubernetes Status, or problem+json; whichever speaks gets heard. */
const Refusal = z.looseObject({
  message: z.string().optional(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
  code: z.union([z.string(), z.number()]).optional(),
});

export type RestOptions = { readonly url: string; readonly token: string; readonly signal: AbortSignal };
export type RestRequest = {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** 0: no limit, for streams that end when the caller says so. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

export class Rest {
  readonly url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  constructor({ url, token, signal }: RestOptions) {
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#signal = signal;
  }

  /** The response, whatever its status. Throws ArkError when there is none. */
  async send(path: string, request: RestRequest = {}): Promise<Response> {
    const timeoutMs = request.timeoutMs ?? ANSWER_TIMEOUT_MS;
    const signals = [this.#signal, ...(request.signal === undefined ? [] : [request.signal])];
    if (timeoutMs > 0) signals.push(AbortSignal.timeout(timeoutMs));
    const contentType = request.method === "PATCH" ? "application/merge-patch+json" : "application/json";
    try {
      return await fetch(`${this.url}${path}`, {
        method: request.method ?? "GET",
        redirect: "error",
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(request.body === undefined ? {} : { "content-type": contentType }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: AbortSignal.any(signals),
      });
    } catch (error) {
      throw this.noAnswer(error);
    }
  }

  /** The JSON of a 2xx answer; undefined for 404; ArkError otherwise. */
  async json(path: string, request: RestRequest = {}): Promise<unknown> {
    const response = await this.send(path, request);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = await this.bodyOf(response);
    if (!response.ok) throw refused(response.status, body);
    return body;
  }

  /** The parsed body, up to the size limit. */
  async bodyOf(response: Response): Promise<unknown> {
    try {
      const text = await answerText(response.body);
      return text === "" ? {} : JSON.parse(text);
    } catch (error) {
      throw this.noAnswer(error);
    }
  }

  /** Why there is no (whole) answer, as the error that ends the command. */
  noAnswer(error: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    return new ArkError(
      "server.unreachable",
      `${this.url} did not answer: ${innermostReason(error)}`,
      "Start the local server with `ark up`, or look at its output.",
      { cause: error },
    );
  }
}

type Ending = { readonly code: ErrorCode; readonly hint: string };

const CORRECT: Ending = { code: "input.invalid", hint: "Correct what the message names; nothing was changed." };
const ASK_OWNER: Ending = {
  code: "server.refused",
  hint: "Run the command where `ark up` runs, as the same user; on a cluster, look at the event's conditions.",
};
const ENDINGS: Readonly<Record<number, Ending>> = {
  400: CORRECT,
  401: ASK_OWNER,
  403: ASK_OWNER,
  409: { code: "object.conflict", hint: "Look at the object with `ark get`, then try again." },
  413: CORRECT,
  422: CORRECT,
};

/** What the server said, as the error that ends the command. */
export function refused(status: number, body: unknown): ArkError {
  const parsed = Refusal.safeParse(body);
  const said = parsed.success ? parsed.data : {};
  const message = said.message ?? said.detail ?? said.title ?? `the server answered ${status}`;
  const ending = ENDINGS[status];
  if (ending !== undefined) return new ArkError(ending.code, message, ending.hint);
  if (said.code === "suspended") {
    return new ArkError("server.refused", message, "Set spec.suspended of the event to false; its token stays.");
  }
  return new ArkError(
    "server.refused",
    `${message} (HTTP ${status})`,
    "Look at the output of `ark up` for the reason; on a cluster, `ark doctor`.",
  );
}
