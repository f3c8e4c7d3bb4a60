/** Where things are on the cluster under test. */
export const SYSTEM = "ark-system";
export const TOOLS = "ark-e2e";
export const MODEL = {
  url: `http://model.${TOOLS}.svc.cluster.local:8080/v1`,
  admin: `http://model.${TOOLS}.svc.cluster.local:8081`,
} as const;
export const BROKER = `http://broker-ingress.knative-eventing.svc.cluster.local/${SYSTEM}/default`;
/** Stands in every agent's environment, and nowhere else. */
export const PLANTED_KEY = "sk-planted-7f3a9c51d2e84b60";
/** On the namespace of each feature. */
export const FEATURE_LABEL = "ark-e2e";
