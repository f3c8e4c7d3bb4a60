import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect, it } from "vitest";
import { connect } from "./connect.ts";
import type { Io } from "./io.ts";
import { placeOf, type PlaceOptions } from "./place.ts";
import { PLAIN } from "./render/style.ts";

it.each<[PlaceOptions, Record<string, string>, unknown]>([
  [{}, {}, { kind: "any", of: {} }],
  [{}, { ARK_SERVER: "https://a" }, { kind: "any", of: { server: "https://a" } }],
  [{}, { ARK_SERVER: "" }, { kind: "any", of: {} }],
  [{}, { ARK_TARGET: "cluster" }, { kind: "cluster", of: {} }],
  [{ context: "c" }, {}, { kind: "cluster", of: { context: "c" } }],
  [{ kubeconfig: "k" }, { ARK_SERVER: "s" }, { kind: "cluster", of: { kubeconfig: "k", server: "s" } }],
  [{ server: "t" }, { ARK_SERVER: "s" }, { kind: "cluster", of: { server: "t" } }],
  [{ local: true }, { ARK_TARGET: "cluster" }, { kind: "local" }],
  [{ serverData: "d" }, {}, { kind: "local", dataDir: "d" }],
])("%j with %j is %j", (options, env, place) => {
  expect(placeOf(options, env)).toEqual(place);
});

it("flags of both sides exclude each other", () => {
  expect(() => placeOf({ local: true, context: "c" }, {})).toThrow("exclude");
  expect(() => placeOf({ serverData: "d", server: "s" }, {})).toThrow("exclude");
});

it("a running `ark up` comes before the kubeconfig, and a flag before both", async () => {
  const cwd = await mkdtemp(path.join(tmpdir(), "ark-place-"));
  try {
    await mkdir(path.join(cwd, ".ark"));
    const up = { url: "http://127.0.0.1:8092", token: "t", pid: process.pid };
    await writeFile(path.join(cwd, ".ark", "up.json"), JSON.stringify(up));
    const kubeconfig = path.join(cwd, "kubeconfig");
    await writeFile(kubeconfig, JSON.stringify(config("https://cluster.example")));
    const io = ioIn(cwd);
    expect((await connect({}, io)).description).toBe("the local server at http://127.0.0.1:8092");
    const cluster = await connect({ kubeconfig }, io);
    expect(cluster).toMatchObject({ description: "the cluster at https://cluster.example", namespace: "mine" });
    await expect(connect({ kubeconfig, context: "absent" }, io)).rejects.toThrow('no context "absent"');
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});

function config(server: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "one",
    clusters: [{ name: "one", cluster: { server } }],
    users: [{ name: "me", user: { token: "t" } }],
    contexts: [{ name: "one", context: { cluster: "one", user: "me", namespace: "mine" } }],
  };
}

function ioIn(cwd: string): Io {
  return {
    out: () => {},
    err: () => {},
    style: PLAIN,
    outStyle: PLAIN,
    live: false,
    outIsTerminal: false,
    columns: () => 100,
    rows: () => 40,
    env: {},
    cwd,
    now: () => 0,
    readStdin: async () => "",
    signal: new AbortController().signal,
  };
}
