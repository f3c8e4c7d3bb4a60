/** Shapes of the Knative objects that the operator writes: what it sets, no more. */
import type { OwnerReference } from "#platform/kube/children.ts";

export type Metadata = {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
};

export type Reference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
};
/** `uri` is relative to `ref`. */
export type Destination = { readonly ref: Reference; readonly uri?: string };

export type SubscriptionFilter = {
  readonly exact?: Readonly<Record<string, string>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly suffix?: Readonly<Record<string, string>>;
  readonly all?: readonly SubscriptionFilter[];
  readonly any?: readonly SubscriptionFilter[];
  readonly not?: SubscriptionFilter;
  readonly cesql?: string;
};

/** All five, always: a class of broker loses events, or crashes, where one is missing (knative 1.1). */
export type Delivery = {
  readonly retry: number;
  readonly backoffPolicy: "linear" | "exponential";
  readonly backoffDelay: string;
  readonly timeout: string;
  readonly deadLetterSink: Destination;
};

export type Trigger = {
  readonly apiVersion: "eventing.knative.dev/v1";
  readonly kind: "Trigger";
  readonly metadata: Metadata;
  readonly spec: {
    readonly broker: string;
    readonly filters: readonly SubscriptionFilter[];
    readonly subscriber: Destination;
    readonly delivery: Delivery;
  };
};

export type PingSource = {
  readonly apiVersion: "sources.knative.dev/v1";
  readonly kind: "PingSource";
  readonly metadata: Metadata;
  readonly spec: {
    readonly schedule: string;
    readonly timezone?: string;
    readonly contentType: string;
    readonly data: string;
    readonly ceOverrides: { readonly extensions: Readonly<Record<string, string>> };
    readonly sink: Destination;
  };
};

export type EnvFrom = {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
};
type Item = { readonly key: string; readonly path: string };
export type Volume = {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly items?: readonly Item[]; readonly optional?: boolean };
  readonly secret?: { readonly secretName: string; readonly items?: readonly Item[]; readonly optional?: boolean };
};

export type Container = {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number; readonly protocol: string }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom: readonly EnvFrom[];
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  };
  readonly readinessProbe: object;
  readonly livenessProbe: object;
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: boolean }[];
};

export type Service = {
  readonly apiVersion: "serving.knative.dev/v1";
  readonly kind: "Service";
  readonly metadata: Metadata;
  readonly spec: {
    readonly template: {
      readonly metadata: {
        readonly labels: Readonly<Record<string, string>>;
        readonly annotations: Readonly<Record<string, string>>;
      };
      readonly spec: {
        readonly containerConcurrency: number;
        readonly timeoutSeconds: number;
        readonly responseStartTimeoutSeconds: number;
        readonly enableServiceLinks: boolean;
        readonly automountServiceAccountToken: boolean;
        readonly serviceAccountName?: string;
        readonly containers: readonly Container[];
        readonly volumes: readonly Volume[];
      };
    };
  };
};
