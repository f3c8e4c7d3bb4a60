/** Tokens of streaming answers for whoever watches right now (E11); the record has the whole turn. */
import { tokensSubject } from "#core/events/subjects.ts";
import type { RunName, TokenFeed } from "#core/ports/record.ts";
import { feed, send } from "./feed.ts";
import type { Link } from "./link.ts";
import { decodeJson } from "./messages.ts";

type Piece = { readonly step: string; readonly text: string };

export function tokenFeed(link: Link): TokenFeed {
  return {
    publish: (run, step, text) => send(link, tokensSubject(run), JSON.stringify({ step, text })),
    watch: (run, signal) => watch(link, run, signal),
  };
}

async function* watch(link: Link, run: RunName, signal: AbortSignal): AsyncGenerator<Piece> {
  for await (const { data } of feed(link, tokensSubject(run), signal)) {
    const piece = decodeJson(data);
    if (isPiece(piece)) yield piece;
  }
}

function isPiece(value: unknown): value is Piece {
  if (typeof value !== "object" || value === null) return false;
  return "step" in value && typeof value.step === "string" && "text" in value && typeof value.text === "string";
}
