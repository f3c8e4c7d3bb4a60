/** `ark doctor`: is this cluster as Ark needs it, and may you use it. */
import { kubeError } from "../kube/errors.ts";
import { checkFunctions, checkKinds, checkNats, checkOperator } from "../doctor/ark.ts";
import { checkBroker } from "../doctor/broker.ts";
import type { Check, Verdict } from "../doctor/check.ts";
import { checkActivator, checkKnative, checkKubernetes, checkSetting, KNATIVE, SETTINGS } from "../doctor/platform.ts";
import { checkRights } from "../doctor/rights.ts";
import { EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../options.ts";
import type { ClusterPlace } from "../place.ts";
import { printResult } from "../print.ts";
import { padEnd } from "../render/style.ts";

export type DoctorOptions = ClusterPlace & { readonly output: OutputFormat; readonly namespace?: string };

/** 1 when something fails; what is only worth a warning does not. Throws when the cluster cannot be asked. */
export async function doctor(options: DoctorOptions, io: Io): Promise<number> {
  const { openKube } = await import("#platform/kube/client.ts");
  const kube = openKube(options);
  const namespace = options.namespace ?? kube.namespace;
  try {
    const platform = [checkKubernetes(kube), ...KNATIVE.map((part) => checkKnative(kube, part))];
    const settings = [...SETTINGS.map((setting) => checkSetting(kube, setting)), checkActivator(kube)];
    const ark = [checkKinds(kube), checkBroker(kube), checkOperator(kube), checkFunctions(kube), checkNats(kube)];
    const [own, rights] = await Promise.all([
      Promise.all([...platform, ...settings, ...ark]),
      checkRights(kube, namespace),
    ]);
    return report(kube.server, [...own, ...rights], options.output, io);
  } catch (error) {
    throw kubeError(error, kube.server);
  }
}

function report(server: string, checks: readonly Check[], output: OutputFormat, io: Io): number {
  const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length;
  const counts = { ok: count("ok"), warn: count("warn"), fail: count("fail") };
  printResult(io, output, { server, ...counts, checks }, () => checks.map((check) => lines(check, io)).join(""));
  io.err(`${server}: ${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} to change\n`);
  return counts.fail > 0 ? EXIT.runFailed : EXIT.done;
}

function lines({ name, verdict, found, change }: Check, { style }: Io): string {
  const paint = { ok: style.green, warn: style.yellow, fail: style.red }[verdict];
  const next = change === undefined ? "" : `      ${style.dim("→")} ${change}\n`;
  return `${paint(padEnd(verdict, 4))}  ${padEnd(name, 18)}  ${found}\n${next}`;
}
