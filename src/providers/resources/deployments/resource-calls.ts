import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import type { ArmMethod, ArmReply } from '../../../arm/arm-operation.ts';
import { retryAfterSeconds } from '../../../arm/long-running.ts';
import type { Caller } from '../../../authz/caller.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject, textMember } from '../../../base/json.ts';
import type { RuntimeNeed } from '../../../templates/expressions/template-error.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';

/** In whose name a deployment calls the resource manager. */
export interface CallingContext {
  readonly deps: Pick<DeploymentDependencies, 'calls' | 'clock'>;
  readonly caller: Caller;
  readonly correlationId: string;
  /** Ends the waits of a deployment when the server ends. */
  readonly signal: AbortSignal;
  /** Resolves when the next deployment ends: a nested one ends by itself, on whatever clock. */
  readonly nextEnd?: () => Promise<void>;
}

interface ResourceCall {
  readonly method: ArmMethod;
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: Json;
}

/** Sends a request and waits, on the Kustody clock, until what it started has ended.
 * @returns the status of the first answer
 * @throws ArmError as the provider said it, or with the outcome of its operation */
export async function callAndWait(context: CallingContext, call: ResourceCall): Promise<number> {
  const reply = await send(context, call);
  const headers = lowerCased(reply.headers);
  const status = headers['azure-asyncoperation'];
  if (status !== undefined) await waitForStatus(context, status);
  else if (reply.status === 202 && headers['location'] !== undefined)
    await waitForLocation(context, headers['location']);
  return reply.status;
}

/** What an expression asks of the running service. @throws ArmError */
export async function answerNeed(context: CallingContext, need: RuntimeNeed, apiVersion: string): Promise<Json> {
  const body = need.body === undefined ? {} : { body: need.body as Json };
  const reply = await send(context, { method: need.method, path: need.id, apiVersion, ...body });
  const answer = plain(reply.body);
  if (need.method === 'POST' || !isJsonObject(answer)) return answer;
  if (!need.full) return answer['properties'] ?? {};
  return { apiVersion, ...answer, resourceId: need.id };
}

export async function readResource(
  context: CallingContext,
  path: string,
  apiVersion: string,
): Promise<JsonObject | undefined> {
  try {
    const answer = plain((await send(context, { method: 'GET', path, apiVersion })).body);
    return isJsonObject(answer) ? answer : undefined;
  } catch (error) {
    if (error instanceof ArmError && error.status === 404) return undefined;
    throw error;
  }
}

function send({ deps, caller, correlationId }: CallingContext, call: ResourceCall): Promise<ArmReply> {
  const { method, path, apiVersion, body } = call;
  return deps.calls.send({
    ...{ method, path, caller, correlationId, query: { 'api-version': apiVersion } },
    ...(body === undefined ? {} : { body }),
  });
}

/** As it would be read from the wire. */
const plain = (body: unknown): Json => (body === undefined ? null : (JSON.parse(JSON.stringify(body)) as Json));

const lowerCased = (headers: ArmReply['headers'] = {}): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

async function poll(context: CallingContext, url: string): Promise<ArmReply> {
  const { pathname, searchParams } = new URL(url);
  const { deps, caller, correlationId } = context;
  return deps.calls.send({
    ...{ method: 'GET', path: decodeURIComponent(pathname), caller, correlationId },
    query: Object.fromEntries(searchParams),
  });
}

async function waitForStatus(context: CallingContext, url: string): Promise<void> {
  for (;;) {
    const end = context.nextEnd?.();
    const answer = plain((await poll(context, url)).body);
    const status = isJsonObject(answer) ? textMember(answer, 'status').toLowerCase() : '';
    if (status === 'succeeded') return;
    if (status === 'failed' || status === 'canceled')
      throw operationFailed(status, isJsonObject(answer) ? answer['error'] : undefined);
    const pause = context.deps.clock.sleep(retryAfterSeconds * 1000, context.signal);
    await (end === undefined ? pause : Promise.race([pause, end]));
  }
}

async function waitForLocation(context: CallingContext, url: string): Promise<void> {
  while ((await poll(context, url)).status === 202)
    await context.deps.clock.sleep(retryAfterSeconds * 1000, context.signal);
}

function operationFailed(status: string, error: Json | undefined): ArmError {
  const inner = detailIn(error);
  if (status === 'canceled') return new ArmError(409, 'Canceled', 'The resource write operation was canceled.');
  if (inner !== undefined && inner.code === 'DeploymentFailed') {
    const extra = inner.details === undefined ? {} : { details: inner.details };
    return new ArmError(409, inner.code, inner.message, {
      ...extra,
      ...(inner.target === undefined ? {} : { target: inner.target }),
    });
  }
  return new ArmError(
    409,
    'ResourceDeploymentFailure',
    "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
    inner === undefined ? {} : { details: [inner] },
  );
}

function detailIn(error: Json | undefined): ArmErrorDetail | undefined {
  if (!isJsonObject(error)) return undefined;
  const { target, details } = error;
  const inner = Array.isArray(details) ? (details as readonly Json[]).flatMap((each) => detailIn(each) ?? []) : [];
  return {
    ...{ code: textMember(error, 'code'), message: textMember(error, 'message') },
    ...(typeof target === 'string' ? { target } : {}),
    ...(inner.length === 0 ? {} : { details: inner }),
  };
}
