/**
 * Certificates for tests over TLS, as an authority of a cluster issues them: `authority("a").issue("client")`. Node has
 * no maker of certificates; this one writes the few parts of X.509 that a handshake looks at.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** PEM, as in a Secret of type kubernetes.io/tls. */
export type Issued = { readonly cert: string; readonly key: string; readonly ca: string };
export type Authority = { readonly ca: string; issue(name: string): Issued };

const SEQUENCE = 0x30;
const COMMON_NAME = oid("550403");
const ECDSA_SHA256 = der(SEQUENCE, oid("2a8648ce3d040302"));
const VALIDITY = der(SEQUENCE, time("200101000000Z"), time("491231235959Z"));
/** Whom a certificate is for: localhost and 127.0.0.1. */
const HERE = der(SEQUENCE, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
const EXTENSIONS = {
  /** basicConstraints: an authority; critical. */
  authority: der(SEQUENCE, oid("551d13"), der(0x01, Buffer.from([0xff])), der(0x04, der(SEQUENCE, yes()))),
  /** subjectAltName. */
  leaf: der(SEQUENCE, oid("551d11"), der(0x04, HERE)),
} as const;

let serials = 0;

export function authority(name: string): Authority {
  const keys = pair();
  const own = certificate(
    { subject: name, issuer: name, publicKey: keys.publicKey, signer: keys.privateKey },
    "authority",
  );
  return {
    ca: own,
    issue(subject) {
      const { publicKey, privateKey } = pair();
      const cert = certificate({ subject, issuer: name, publicKey, signer: keys.privateKey }, "leaf");
      return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string, ca: own };
    },
  };
}

function pair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

type Parts = {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
};

function certificate({ subject, issuer, publicKey, signer }: Parts, kind: keyof typeof EXTENSIONS): string {
  serials += 1;
  const signed = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([0x01, serials])),
    ECDSA_SHA256,
    nameOf(issuer),
    VALIDITY,
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, EXTENSIONS[kind])),
  );
  const whole = der(SEQUENCE, signed, ECDSA_SHA256, der(0x03, Buffer.from([0]), sign("sha256", signed, signer)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function nameOf(text: string): Buffer {
  return der(SEQUENCE, der(0x31, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(text)))));
}

function yes(): Buffer {
  return der(0x01, Buffer.from([0xff]));
}

function time(text: string): Buffer {
  return der(0x17, Buffer.from(text));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x1_00 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
