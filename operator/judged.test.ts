import { expect, test } from "vitest";
import { createJudged } from "./judged.ts";

test("a spec is judged once, and anew when it or its object is another", async () => {
  const asked: string[] = [];
  const judged = createJudged(async ({ metadata }) => {
    asked.push(`${metadata.uid} ${metadata.generation}`);
    return [{ path: "spec", message: `of ${metadata.uid} ${metadata.generation}`, reason: "InvalidSchema" }];
  });
  const look = (uid: string, generation: number) => judged.of("ai/a", { metadata: { uid, generation } });
  await Promise.all([look("u", 1), look("u", 1)]);
  expect(await look("u", 1)).toMatchObject([{ message: "of u 1" }]);
  expect(asked).toEqual(["u 1"]);
  expect(await look("u", 2)).toMatchObject([{ message: "of u 2" }]);
  expect(await look("v", 2)).toMatchObject([{ message: "of v 2" }]);
  judged.forget("ai/a");
  await look("v", 2);
  expect(asked).toEqual(["u 1", "u 2", "v 2", "v 2"]);
});
