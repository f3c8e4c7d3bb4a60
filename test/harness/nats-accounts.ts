/** A nats-server whose users sign in: an account of the record, and one of guests, made as an admin makes them. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  type KeyPair,
} from "@nats-io/jwt";
import { type Guest, SHARED } from "#core/events/guests.ts";
import { userSigner, type UserSigner } from "#platform/jetstream/users.ts";
import { startNats, type TestNats } from "./nats.ts";

export type GuardedNats = AsyncDisposable & {
  readonly nats: TestNats;
  /** Of a user of the record's account, which may do everything there. */
  readonly creds: string;
  readonly signer: UserSigner;
  /** The seed of the signing key, and the public key of the guests' account. */
  readonly signingKey: string;
  readonly account: string;
  /** Path of the credentials of a new guest. */
  guest(guest: Guest): Promise<string>;
};

const LIMITS = { conn: -1, subs: -1, data: -1, payload: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
const STORAGE = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
const TYPES = {
  service: { type: "service", response_type: "Singleton" },
  answers: { type: "service", response_type: "Stream" },
  stream: { type: "stream" },
} as const;

export async function startGuardedNats(): Promise<GuardedNats> {
  const dir = await mkdtemp(path.join(tmpdir(), "ark-creds-"));
  const operator = createOperator();
  const [system, record, guests, signing] = [createAccount(), createAccount(), createAccount(), createAccount()];
  const seed = new TextDecoder().decode(signing.getSeed());
  const account = guests.getPublicKey();
  const nats = await startNats({ settings: await settingsOf(operator, { system, record, guests, signing }) });
  const made = userSigner(seed, account);
  if (made.kind === "refused") throw new Error(made.message);
  const file = async (name: string, text: string | Uint8Array): Promise<string> => {
    const at = path.join(dir, name);
    await writeFile(at, text, { mode: 0o600 });
    return at;
  };
  const user = createUser();
  const creds = await file("record.creds", fmtCreds(await encodeUser("record", user, record), user));
  let count = 0;
  return {
    nats,
    creds,
    signer: made.signer,
    signingKey: seed,
    account,
    guest: async (guest) => file(`guest-${(count += 1)}.creds`, await made.signer.credentials(guest)),
    [Symbol.asyncDispose]: async () => {
      await nats[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

type Keys = Readonly<Record<"system" | "record" | "guests" | "signing", KeyPair>>;

async function settingsOf(operator: KeyPair, { system, record, guests, signing }: Keys): Promise<object> {
  const signer = { signer: operator };
  const exports = SHARED.map(({ subject, as }) => ({ name: subject, subject, ...TYPES[as] }));
  const account = record.getPublicKey();
  const imports = SHARED.map(({ subject, as }) => ({ name: subject, subject, account, type: TYPES[as].type }));
  const accounts = {
    [system.getPublicKey()]: await encodeAccount("SYS", system, { limits: LIMITS }, signer),
    [account]: await encodeAccount("ARK", record, { limits: { ...LIMITS, ...STORAGE }, exports }, signer),
    [guests.getPublicKey()]: await encodeAccount(
      "ARK-GUESTS",
      guests,
      { limits: LIMITS, imports, signing_keys: [signing.getPublicKey()] },
      signer,
    ),
  };
  return {
    // A user brings its permissions along when it signs in.
    max_control_line: 16_384,
    operator: await encodeOperator("test", operator),
    system_account: system.getPublicKey(),
    resolver: "MEMORY",
    resolver_preload: accounts,
  };
}
