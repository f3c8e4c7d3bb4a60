/**
 * Secrets and ConfigMaps on one machine: those of the manifests, and the tokens of webhooks and services made here.
 *
 * T1  A token is made once and kept; it is never rotated unasked (api 15).
 * T2  A Secret of the manifests wins over a token made here.
 */
import { randomBytes } from "node:crypto";
import * as path from "node:path";
import * as z from "zod";
import { ArkError } from "#core/errors.ts";
import type { Admitted, Values } from "./manifests/admit.ts";
import { readPrivate, writePrivate } from "./private-file.ts";

export type ManifestValues = Pick<Admitted, "configMaps" | "secrets">;

const Tokens = z.record(z.string(), z.string());
const TOKEN_BYTES = 32;

export class Secrets {
  readonly #file: string;
  #made: Readonly<Record<string, string>>;
  #given: ManifestValues = { configMaps: new Map(), secrets: new Map() };

  private constructor(file: string, made: Readonly<Record<string, string>>) {
    this.#file = file;
    this.#made = made;
  }

  /** Throws ArkError `file.refused` for tokens that cannot be read any more: others in their place would be unasked (T1). */
  static async open(dataDir: string): Promise<Secrets> {
    const file = path.join(dataDir, "tokens.json");
    const read = await readPrivate(file, Tokens);
    if (read.kind !== "damaged") return new Secrets(file, read.kind === "read" ? read.value : {});
    const hint = "Correct it, or delete it: then events and services get new tokens, and the old ones open nothing.";
    throw new ArkError("file.refused", `${file} is no longer what Ark wrote`, hint);
  }

  use(given: ManifestValues): void {
    this.#given = given;
  }

  configMap(namespace: string, name: string): Values | undefined {
    return this.#given.configMaps.get(`${namespace}/${name}`);
  }

  secret(namespace: string, name: string): Values | undefined {
    const key = `${namespace}/${name}`;
    const token = this.#made[key];
    return this.#given.secrets.get(key) ?? (token === undefined ? undefined : { token });
  }

  /** The token of a webhook event; T1. */
  async webhookToken(namespace: string, event: string): Promise<string> {
    return this.#token(namespace, `${event}-webhook-token`);
  }

  /** The token of an ArkService; T1. */
  async serviceToken(namespace: string, service: string): Promise<string> {
    return this.#token(namespace, `${service}-service-token`);
  }

  async #token(namespace: string, name: string): Promise<string> {
    const known = this.secret(namespace, name)?.["token"];
    if (known !== undefined) return known.trim();
    const token = randomBytes(TOKEN_BYTES).toString("hex");
    const made = { ...this.#made, [`${namespace}/${name}`]: token };
    await writePrivate(this.#file, made);
    this.#made = made;
    return token;
  }
}
