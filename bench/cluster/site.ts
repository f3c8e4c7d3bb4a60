/** What every figure is given: how much to measure, where to say what goes on, and a stack that is undone at the end. */
import { openPlace, type Place } from "./place.ts";
import type { Row } from "./row.ts";

export type Site = {
  /** Cold starts of each kind. */
  readonly rounds: number;
  /** Of a phase under load. */
  readonly seconds: number;
  /** That work at once in such a phase. */
  readonly clients: number;
  /** Agents, and as many events, of the idle operator. */
  readonly objects: number;
  /** Image that holds the webhook function alone; undefined: that figure is left out. */
  readonly ownImage: string | undefined;
  /** Undone after the figure, also when it is interrupted. */
  readonly stack: AsyncDisposableStack;
  readonly say: (line: string) => void;
};

export type ClusterBench = { readonly name: string; readonly run: (site: Site) => Promise<readonly Row[]> };

/** A namespace of the figure's own. One that is made while the stack is undone already is undone at once. */
export async function open({ stack }: Site, name: string): Promise<Place> {
  const place = await openPlace(name);
  if (stack.disposed) await place[Symbol.asyncDispose]();
  return stack.use(place);
}
