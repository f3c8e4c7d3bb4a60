/** What the API server or the front door would not do, as the error that ends the command. */
import { ArkError } from "#core/errors.ts";
import { StoreUnavailable } from "#core/ports/record.ts";

/** Any failure of a request to the API server; what is none of those stays what it is. */
export function kubeError(error: unknown, server: string): unknown {
  if (error instanceof StoreUnavailable) {
    const hint = "Check the address and your network: kubectl cluster-info. Another cluster: --context, --kubeconfig.";
    return new ArkError("server.unreachable", `${server}: ${error.message}`, hint, { cause: error });
  }
  if (error instanceof Error && "status" in error && typeof error.status === "number")
    return refusedByApi(error.status, error.message, error);
  return error;
}

export function refusedByApi(status: number, message: string, cause?: unknown): ArkError {
  const options = cause === undefined ? {} : { cause };
  switch (status) {
    case 401:
      return new ArkError("server.refused", message, "Log in to the cluster again, then repeat the command.", options);
    case 403: {
      const hint = "Ask for this right; `ark doctor` lists what the command needs.";
      return new ArkError("server.refused", message, hint, options);
    }
    case 404: {
      const hint = "Is Ark installed there? `ark doctor` checks; `ark install` installs.";
      return new ArkError("server.refused", message, hint, options);
    }
    case 409:
      return new ArkError("object.conflict", message, "Look at the object with `ark get`, then try again.", options);
    case 400:
    case 422: {
      const hint = "Correct what the message names; nothing was changed.";
      return new ArkError("input.invalid", message, hint, options);
    }
    default:
      return new ArkError("server.refused", message, "Check the cluster: ark doctor.", options);
  }
}
