/** The manifests of `knative/` and the `func.yaml` beside each function say the same, and what Knative needs (knative 3, 4, 9). */
import { readdir, readFile } from "node:fs/promises";
import * as path from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { NATS_ACCOUNTS, natsAccounts } from "./nats-accounts.ts";
import { OPERATOR_RBAC, operatorRbac } from "./rbac.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const SHARED = ["webhook", "dispatcher", "collector"] as const;

const Service = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
      spec: z.object({
        timeoutSeconds: z.int(),
        responseStartTimeoutSeconds: z.int(),
        serviceAccountName: z.string(),
        containers: z.array(
          z.object({
            image: z.string(),
            args: z.array(z.string()),
            readinessProbe: z.object({ httpGet: z.object({ path: z.string() }) }),
            livenessProbe: z.object({ httpGet: z.object({ path: z.string() }) }),
            resources: z.object({ requests: z.object({}), limits: z.object({ memory: z.string() }) }),
            securityContext: z.unknown(),
          }),
        ),
      }),
    }),
  }),
});

const Func = z.object({
  name: z.string(),
  image: z.string(),
  deploy: z.object({
    healthEndpoints: z.object({ liveness: z.string(), readiness: z.string() }),
    options: z.object({
      scale: z.object({ min: z.int(), max: z.int(), metric: z.string(), target: z.int(), utilization: z.int() }),
    }),
  }),
});

const read = async (file: string): Promise<unknown> => parse(await readFile(path.join(ROOT, file), "utf8"));
const serviceOf = async (name: string) => Service.parse(await read(`knative/base/${name}.yaml`));
const DEFAULT_UTILIZATION = "70";

describe.each(SHARED)("%s", (name) => {
  test("func.yaml and the Service agree on image, health and scale", async () => {
    const { metadata, spec } = await serviceOf(name);
    const func = Func.parse(await read(`functions/${name}/func.yaml`));
    const [container] = spec.template.spec.containers;
    const scale = (key: string) => spec.template.metadata.annotations[`autoscaling.knative.dev/${key}`];
    expect(func).toMatchObject({ name: metadata.name, image: container?.image });
    expect(func.deploy.healthEndpoints).toEqual({
      liveness: container?.livenessProbe.httpGet.path,
      readiness: container?.readinessProbe.httpGet.path,
    });
    expect(func.deploy.options.scale).toEqual({
      min: Number(scale("min-scale")),
      max: Number(scale("max-scale")),
      metric: scale("metric"),
      target: Number(scale("target")),
      utilization: Number(scale("target-utilization-percentage") ?? DEFAULT_UTILIZATION),
    });
  });

  test("it sleeps from the start, is reached inside the cluster only, and has one patience", async () => {
    const { metadata, spec } = await serviceOf(name);
    expect(metadata.labels["networking.knative.dev/visibility"]).toBe("cluster-local");
    expect(spec.template.metadata.annotations).toMatchObject({
      "autoscaling.knative.dev/min-scale": "0",
      "autoscaling.knative.dev/initial-scale": "0",
    });
    expect(spec.template.spec.responseStartTimeoutSeconds).toBe(spec.template.spec.timeoutSeconds);
  });

  test("D43: its pod is restricted and bounded, under an account of its own", async () => {
    const { spec } = await serviceOf(name);
    expect(spec.template.spec.serviceAccountName).toBe(`ark-${name}`);
    for (const { args, securityContext } of spec.template.spec.containers) {
      expect(args).toEqual([`/app/${name}/main.js`]);
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      });
    }
  });
});

test("knative 4.2: a held wake asks for one slot of a collector, not for two pods", async () => {
  const { spec } = await serviceOf("collector");
  expect(spec.template.metadata.annotations).toMatchObject({
    "autoscaling.knative.dev/target-utilization-percentage": "100",
    "autoscaling.knative.dev/target-burst-capacity": "-1",
  });
});

test("the operator's RBAC is what its own list of permissions says: node scripts/rbac.ts", async () => {
  expect(await readFile(path.join(ROOT, OPERATOR_RBAC), "utf8")).toBe(operatorRbac());
});

test("the kustomization installs every CRD", async () => {
  const { resources } = z.object({ resources: z.array(z.string()) }).parse(await read("crds/Kustomization"));
  const files = await readdir(path.join(ROOT, "crds"));
  expect(new Set(resources)).toEqual(new Set(files.filter((name) => name.endsWith(".yaml"))));
});

test("the commands for NATS's accounts share what guests need", async () => {
  expect(await readFile(path.join(ROOT, NATS_ACCOUNTS), "utf8")).toBe(natsAccounts());
});

test.each(["nats-credentials", "nats-guests", "long-requests"])(
  "component %s adds to an environment, and replaces none",
  async (name) => {
    const text = await readFile(path.join(ROOT, "knative/components", name, "kustomization.yaml"), "utf8");
    expect(text).not.toMatch(/path: \S*\/env$/m);
  },
);
