/** The signing key for users of NATS, from its file: read again each time, so that it may rotate. */
import { readFile } from "node:fs/promises";
import { type SignerOutcome, userSigner } from "#platform/jetstream/users.ts";
import type { Config } from "./config.ts";

export async function readSigner(of: Config["natsSigning"]): Promise<SignerOutcome | undefined> {
  if (of === undefined) return undefined;
  try {
    return userSigner(await readFile(of.keyFile, "utf8"), of.account);
  } catch (error) {
    return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
  }
}
