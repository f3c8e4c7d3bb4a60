/** Judgements of specs, each made once: an object is looked at for every run of it, and its spec changes now and then. */
import type { ObjectMeta } from "#core/api/v1alpha1/common.ts";
import type { SpecFault } from "#core/validate/spec-faults.ts";

export type Judged<T> = {
  of(key: string, object: T): Promise<Verdict>;
  forget(key: string): void;
};

type Verdict = readonly SpecFault[];
type Known = {
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly verdict: Promise<Verdict>;
};

export function createJudged<T extends { readonly metadata: ObjectMeta }>(
  judge: (object: T) => Promise<Verdict>,
): Judged<T> {
  const known = new Map<string, Known>();
  return {
    of(key, object) {
      const { uid, generation } = object.metadata;
      const before = known.get(key);
      if (before !== undefined && before.uid === uid && before.generation === generation) return before.verdict;
      const verdict = judge(object);
      known.set(key, { uid, generation, verdict });
      return verdict;
    },
    forget: (key) => void known.delete(key),
  };
}
