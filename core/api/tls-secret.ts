/** Keys of a Secret of Kubernetes' own type `kubernetes.io/tls`, as cert-manager writes them. */
export const TLS_KEYS = { cert: "tls.crt", key: "tls.key", ca: "ca.crt" } as const;
