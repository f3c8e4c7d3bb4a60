/**
 * Brings the servers that the tests speak to: nats-server, kube-apiserver and etcd. Prints what it does on stderr.
 * Exit code 1 when one cannot be brought; the tests that need it fail then, they are never skipped.
 */
import { homedir } from "node:os";
import { cacheDir } from "../local/cache-dir.ts";
import { findNatsServer } from "../local/nats-server/find.ts";
import { bringControlPlane } from "./binaries/bring.ts";
import { describeTried } from "./binaries/control-plane.ts";

const say = (message: string) => console.error(`ark: ${message}`);
const options = {
  cacheDir: cacheDir(process.env, homedir()),
  env: process.env,
  signal: AbortSignal.timeout(7_200_000),
  onProgress: say,
};

const nats = await findNatsServer(options);
if (nats.kind === "found") say(`nats-server ${nats.version} from ${nats.source}: ${nats.path}`);
else say(`no nats-server. Tried:\n${describeTried(nats.tried)}`);

const plane = await bringControlPlane(options);
if (plane.kind === "found")
  say(`kube-apiserver ${plane.found.version} from ${plane.found.source}: ${plane.found.apiServer}`);
else {
  say(`no kube-apiserver and etcd. Tried:\n${describeTried(plane.tried)}`);
  say("Point KUBEBUILDER_ASSETS at a folder that holds both, or install Go, then run this again.");
}

if (nats.kind === "missing" || plane.kind === "missing") process.exitCode = 1;
