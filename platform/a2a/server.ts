/**
 * Agent2Agent by its SDK: the wire of versions 1.0 and 0.3 over tasks that somebody else keeps. Nothing of a task is in
 * memory here, so any process answers for any task.
 */
import { AgentCard, TaskState, type StreamResponse, type Task } from "@a2a-js/sdk";
import { LegacyJsonRpcTransportHandler, LegacyRestTransportHandler } from "@a2a-js/sdk/compat/v0_3/server";
import {
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotCancelableError,
  TaskNotFoundError,
  UnsupportedOperationError,
} from "@a2a-js/sdk/errors";
import { JsonRpcTransportHandler, ServerCallContext, type A2ARequestHandler } from "@a2a-js/sdk/server";
import { cardOf, type AgentAddress } from "./card.ts";
import { givenOf, type Given } from "./given.ts";
import { agentMessage, artifact } from "./parts.ts";

export type A2aTask = {
  readonly id: string;
  readonly contextId: string;
  readonly state: "submitted" | "working" | "completed" | "failed" | "canceled";
  readonly output?: string;
  readonly message?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
};

export type Sent = { readonly id: string; readonly contextId: string; readonly awake: boolean };

/** Of one request: what waits here ends with it. */
export type A2aTasks = {
  /** `mismatch`: another message had this id. */
  send(given: Given): Promise<Sent | "mismatch">;
  /** As far as it has come when the client has waited long enough. */
  wait(sent: Sent, given: Given): Promise<A2aTask>;
  get(id: string): Promise<A2aTask | undefined>;
  /** Each further state, the last one included. */
  follow(id: string): AsyncIterable<A2aTask>;
  cancel(id: string): Promise<A2aTask | "unknown" | "ended">;
};

export type A2aAnswer =
  | { readonly kind: "one"; readonly body: unknown }
  | { readonly kind: "stream"; readonly bodies: AsyncIterable<unknown> };

export type A2aServer = {
  /** One JSON-RPC call. Faults of the call are answered in JSON-RPC; what `tasks` throws is, too. */
  answer(body: Readonly<Record<string, unknown>>, agent: AgentAddress, tasks: A2aTasks): Promise<A2aAnswer>;
  /** `version`: what the client asks for; a client that does not say speaks 0.3 (A2A 3.6.2). */
  card(agent: AgentAddress, version: string | undefined): Promise<unknown>;
};

export function createA2aServer(): A2aServer {
  return {
    answer: async (body, agent, tasks) => {
      const handler = requestHandler(agent, tasks);
      const answered = await (isLegacy(body)
        ? new LegacyJsonRpcTransportHandler(handler).handle({ ...body }, new ServerCallContext())
        : new JsonRpcTransportHandler(handler).handle({ ...body }, new ServerCallContext({ requestedVersion: "1.0" })));
      return Symbol.asyncIterator in answered ? { kind: "stream", bodies: answered } : { kind: "one", body: answered };
    },
    card: async (agent, version = "0.3") => {
      const card = cardOf(agent);
      if (!version.startsWith("0.")) return AgentCard.toJSON(card);
      // The SDK writes the card of 0.3 here alone.
      const writer = new LegacyRestTransportHandler(requestHandler(agent, NO_TASKS));
      return writer.getAuthenticatedExtendedAgentCard(new ServerCallContext());
    },
  };
}

/** Methods of 0.3 are paths, those of 1.0 are words. */
function isLegacy({ method }: Readonly<Record<string, unknown>>): boolean {
  return typeof method === "string" && method.includes("/");
}

const NO_TASKS: A2aTasks = {
  send: () => Promise.resolve("mismatch"),
  wait: ({ id, contextId }) => Promise.resolve({ id, contextId, state: "submitted", at: 0 }),
  get: () => Promise.resolve(undefined),
  follow: () => nothing(),
  cancel: () => Promise.resolve("unknown"),
};

async function* nothing(): AsyncGenerator<never> {}

function requestHandler(agent: AgentAddress, tasks: A2aTasks): A2ARequestHandler {
  const send = async (given: Given): Promise<Sent> => {
    const sent = await tasks.send(given);
    if (sent === "mismatch") throw new RequestMalformedError("another message had this messageId");
    return sent;
  };
  const noPush = () => Promise.reject(new PushNotificationNotSupportedError());
  return {
    getAgentCard: async () => cardOf(agent),
    // There is one card, for strangers and friends.
    getAuthenticatedExtendedAgentCard: async () => cardOf(agent),
    sendMessage: async ({ message, configuration }) => {
      const given = givenOf(message);
      const sent = await send(given);
      const isAwaited = configuration?.returnImmediately !== true;
      return taskOf(isAwaited ? await tasks.wait(sent, given) : { ...sent, state: "submitted", at: Date.now() });
    },
    async *sendMessageStream({ message }) {
      const given = givenOf(message);
      const sent = await send(given);
      yield wholeTask({ ...sent, state: "submitted", at: Date.now() });
      for await (const task of tasks.follow(sent.id)) yield* updates(task);
    },
    getTask: async ({ id }) => taskOf(await known(id, tasks)),
    listTasks: () => Promise.reject(new UnsupportedOperationError("tasks are not listed: ask for one by its id")),
    cancelTask: async ({ id }) => {
      const outcome = await tasks.cancel(id);
      if (outcome === "unknown") throw new TaskNotFoundError(`there is no task ${id}`);
      if (outcome === "ended") throw new TaskNotCancelableError(`task ${id} has ended`);
      return taskOf(outcome);
    },
    async *resubscribe({ id }) {
      yield wholeTask(await known(id, tasks));
      for await (const task of tasks.follow(id)) yield* updates(task);
    },
    createTaskPushNotificationConfig: noPush,
    getTaskPushNotificationConfig: noPush,
    listTaskPushNotificationConfigs: noPush,
    deleteTaskPushNotificationConfig: noPush,
  };
}

async function known(id: string, tasks: A2aTasks): Promise<A2aTask> {
  const task = await tasks.get(id);
  if (task === undefined) throw new TaskNotFoundError(`there is no task ${id}`);
  return task;
}

const STATES = {
  submitted: TaskState.TASK_STATE_SUBMITTED,
  working: TaskState.TASK_STATE_WORKING,
  completed: TaskState.TASK_STATE_COMPLETED,
  failed: TaskState.TASK_STATE_FAILED,
  canceled: TaskState.TASK_STATE_CANCELED,
} as const;

function statusOf({ id, contextId, state, message, at }: A2aTask): NonNullable<Task["status"]> {
  return {
    state: STATES[state],
    timestamp: new Date(at).toISOString(),
    message: message === undefined ? undefined : agentMessage(id, contextId, message),
  };
}

function taskOf(task: A2aTask): Task {
  const { id, contextId, output, metadata } = task;
  return {
    id,
    contextId,
    status: statusOf(task),
    artifacts: output === undefined ? [] : [artifact(id, output)],
    history: [],
    metadata: metadata === undefined ? undefined : { ...metadata },
  };
}

function wholeTask(task: A2aTask): StreamResponse {
  return { payload: { $case: "task", value: taskOf(task) } };
}

/** The result first, the end last: a status that is final ends the stream. */
function* updates(task: A2aTask): Generator<StreamResponse> {
  const { id, contextId, output, metadata } = task;
  const common = { taskId: id, contextId, metadata: metadata === undefined ? undefined : { ...metadata } };
  if (output !== undefined) {
    const value = { ...common, artifact: artifact(id, output), append: false, lastChunk: true };
    yield { payload: { $case: "artifactUpdate", value } };
  }
  yield { payload: { $case: "statusUpdate", value: { ...common, status: statusOf(task) } } };
}
