import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import { retryOnConflict } from '../../../arm/retry.ts';
import { newGuid } from '../../../base/new-guid.ts';
import type { JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import { expectRecord, writeRecord } from '../../../state/state.ts';
import type { EvaluationWork } from '../../../templates/expressions/facts.ts';
import { evaluationMax } from '../../../templates/expressions/facts.ts';
import { isNested } from '../../../templates/plan.ts';
import type { PlannedResource } from '../../../templates/plan.ts';
import type { EvaluatedTemplate } from '../../../templates/thread/template-evaluator.ts';
import { NeedsRuntime, NotBuiltInTemplates, TemplateError } from '../../../templates/expressions/template-error.ts';
import { templateHash64 } from '../../../templates/expressions/unique-string.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { removeOthers } from './complete-mode.ts';
import { deploymentFailed, detailOf, evaluationRefusal, invalidTemplate } from './deployment-errors.ts';
import type { DeploymentOperation, DeploymentRecord } from './deployment-record.ts';
import { deploymentOperations, deploymentRecordId, deployments, operationsPrefix } from './deployment-record.ts';
import { shownValues } from './deployment-view.ts';
import { withLinkedContent } from './linked-content.ts';
import type { ContentLinks } from './linked-content.ts';
import { deployAgain } from './on-error.ts';
import { depthMax, propertiesOf, targetResource } from './planned-deployment.ts';
import type { CallingContext } from './resource-calls.ts';
import { answerNeed, callAndWait } from './resource-calls.ts';
import { masked, secureTextsOf } from './secure-values.ts';

/** So many resources are made at the same time. */
const parallelMax = 10;

interface RunContext extends CallingContext {
  readonly deps: DeploymentDependencies;
  readonly plan: EvaluatedTemplate;
  readonly isCanceled: () => boolean;
  /** Aborted when it is cancelled: what is being evaluated is not needed any more. */
  readonly evaluating: AbortSignal;
  /** How deep it is nested; 1 for one that nobody has nested. */
  readonly depth: number;
  /** Told of each template that it nests, before its request goes out. */
  readonly nestedTemplates: NestedTemplates;
}

/** What is said of a nested template, by its object: what is to be kept instead when it has taken in secure values, and what is left of the
 * work and the depth that the whole of a deployment may take. */
export type NestedTemplates = WeakMap<object, NestedTemplate>;

interface NestedTemplate {
  readonly source?: JsonObject;
  readonly depth: number;
  readonly work: EvaluationWork;
  /** Where it comes from: it is in the request by now. */
  readonly links: ContentLinks;
}

/** Carries out a deployment that is recorded as accepted. Order: it is recorded as running → for each resource, in the order of
 * their dependencies: recorded as running → its request and the end of its operation → recorded with its outcome → in complete mode, what
 * the template does not name is deleted → outputs and the final state in one commit. A process that dies in between leaves it active;
 * the next start records it as failed (`failInterrupted`). */
export async function runDeployment(context: RunContext, deployment: DeploymentRecord): Promise<void> {
  if (!(await update(context, deployment, { state: 'Running' }))) return;
  // Planning was another matter; each level below is planned again by every level above it.
  if (context.depth === 1) context.plan.work.left = (depthMax + 1) * evaluationMax;
  const failures = await makeResources(context, deployment);
  if (failures.length === 0 && !context.isCanceled() && deployment.mode === 'Complete') {
    failures.push(...(await removeOthers(context, deployment, (operation) => record(context, deployment, operation))));
  }
  if (context.isCanceled()) {
    await update(context, deployment, { state: 'Canceled', error: canceled(deployment) });
  } else if (failures.length > 0) {
    await fail(context, deployment, deploymentFailed(deployment.id, failures.slice(0, 20)));
  } else await finish(context, deployment);
}

/** What is deployed again in its stead has ended, in whatever way, before the deployment has failed. */
async function fail(context: RunContext, deployment: DeploymentRecord, error: ArmErrorDetail): Promise<void> {
  const { onError, scopeId } = deployment;
  if (onError === undefined) {
    await update(context, deployment, { state: 'Failed', error });
    return;
  }
  await update(context, deployment, { onError: { ...onError, provisioningState: 'Running' } });
  const again = await deployAgain(context, scopeId, onError);
  const provisioningState = again === undefined ? 'Succeeded' : 'Failed';
  const details = [...(error.details ?? []), ...(again === undefined ? [] : [again])];
  await update(context, deployment, {
    ...{ state: 'Failed', error: { ...error, details }, onError: { ...onError, provisioningState } },
  });
}

const canceled = ({ name }: DeploymentRecord): ArmErrorDetail => ({
  code: 'DeploymentCanceled',
  message: `The deployment '${name}' has been cancelled by a request.`,
});

/** @returns what failed; what depends on it was not begun */
async function makeResources(context: RunContext, deployment: DeploymentRecord): Promise<ArmErrorDetail[]> {
  const { plan } = context;
  const waiting = plan.dependencies.map((before) => new Set(before));
  const failures: ArmErrorDetail[] = [];
  const ready = waiting.flatMap((before, at) => (before.size === 0 ? [at] : []));
  const running = new Set<Promise<void>>();
  const make = async (at: number): Promise<void> => {
    const resource = plan.resources[at];
    const failure = resource === undefined ? undefined : await makeResource(context, deployment, resource);
    if (failure !== undefined) {
      failures.push(failure);
      return;
    }
    for (const [other, before] of waiting.entries()) if (before.delete(at) && before.size === 0) ready.push(other);
  };
  try {
    while (running.size > 0 || (ready.length > 0 && !context.isCanceled())) {
      while (running.size < parallelMax && !context.isCanceled()) {
        const next = ready.shift();
        if (next === undefined) break;
        const task: Promise<void> = make(next).finally(() => running.delete(task));
        running.add(task);
      }
      if (running.size > 0) await Promise.race(running);
    }
  } finally {
    await Promise.allSettled(running); // after one that threw: the others end, and nobody else hears them throw
  }
  return failures;
}

async function makeResource(
  context: RunContext,
  deployment: DeploymentRecord,
  resource: PlannedResource,
): Promise<ArmErrorDetail | undefined> {
  if (!resource.isDeployed || resource.isExisting) return undefined;
  const begun: DeploymentOperation = {
    operationId: templateHash64(Buffer.from(resource.id.toLowerCase())).toString(16).toUpperCase().padStart(16, '0'),
    provisioningOperation: 'Create',
    state: 'Running',
    startedAt: context.deps.clock.now(),
    changedAt: context.deps.clock.now(),
    trackingId: newGuid(context.deps.randomBytes),
    target: targetResource(resource),
  };
  try {
    await record(context, deployment, begun);
    const { body, links } = await withLinks(context, resource, deployment.links);
    tellOfNested(context, resource, body, links);
    const status = await callAndWait(context, {
      method: 'PUT',
      path: resource.id,
      apiVersion: resource.apiVersion ?? '',
      body,
    });
    const changedAt = context.deps.clock.now();
    await record(context, deployment, {
      ...begun,
      changedAt,
      state: 'Succeeded',
      statusCode: status === 201 ? 'Created' : 'OK',
    });
    return undefined;
  } catch (error) {
    const failure = failureOf(error, context.plan);
    const changedAt = context.deps.clock.now();
    await record(context, deployment, {
      ...begun,
      changedAt,
      state: 'Failed',
      statusCode: failure.statusCode,
      error: failure.detail,
    });
    return failure.detail;
  }
}

/** The request for a resource; a nested deployment has what its links lead to, so that it is known how deep it is. */
async function withLinks(
  context: RunContext,
  resource: PlannedResource,
  above: ContentLinks | undefined,
): Promise<{ readonly body: JsonObject; readonly links: ContentLinks }> {
  const made = await withAnswers(context, () => context.plan.body(resource, context.evaluating));
  if (!isNested(resource.type)) return { body: made, links: {} };
  const { body, links } = await withLinkedContent(context.deps, made, new Map(), above?.templateLink);
  return { body: isJsonObject(body) ? body : made, links };
}

/** A nested template that is evaluated in the names of the one around it has its values in its text. Secure ones are not kept. */
function tellOfNested(
  { plan, depth, nestedTemplates }: RunContext,
  resource: PlannedResource,
  body: JsonObject,
  links: ContentLinks,
): void {
  if (!isNested(resource.type)) return;
  const [evaluated, source] = [propertiesOf(body)['template'], propertiesOf(resource.json)['template']];
  const hasSecrets = [...plan.parameters.values()].some(({ isSecure }) => isSecure);
  if (!isJsonObject(evaluated)) return;
  nestedTemplates.set(evaluated, {
    ...{ depth: depth + 1, work: plan.work, links },
    ...(hasSecrets && isJsonObject(source) ? { source } : {}),
  });
}

/** What is kept of an error shows nothing of secure parameters.
 * @throws what is neither the client's mistake nor a provider's refusal */
function failureOf(
  error: unknown,
  plan: EvaluatedTemplate,
): { readonly detail: ArmErrorDetail; readonly statusCode: string } {
  const { detail, statusCode } = sayable(error);
  return { detail: masked(detail, secureTextsOf(plan)), statusCode };
}

function sayable(thrown: unknown): { readonly detail: ArmErrorDetail; readonly statusCode: string } {
  const error = evaluationRefusal(thrown) ?? thrown;
  if (error instanceof ArmError) {
    return { detail: detailOf(error), statusCode: statusNames[error.status] ?? 'BadRequest' };
  }
  if (error instanceof TemplateError) {
    return { detail: detailOf(invalidTemplate(error, undefined, 'language')), statusCode: 'BadRequest' };
  }
  if (error instanceof NotBuiltInTemplates) {
    const message = `Kustody has not built the ${error.message}.`;
    return { detail: { code: 'NotImplemented', message }, statusCode: 'NotImplemented' };
  }
  throw error;
}

const statusNames: Readonly<Record<number, string>> = {
  ...{ 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 409: 'Conflict', 412: 'PreconditionFailed' },
  ...{ 429: 'TooManyRequests', 501: 'NotImplemented' },
};

/** Evaluates, asks what it needs, and evaluates again. Each turn asks something that was not asked before. */
async function withAnswers<T>(context: RunContext, evaluate: () => Promise<T>): Promise<T> {
  for (let turns = 0; ; turns++) {
    try {
      return await evaluate();
    } catch (error) {
      if (!(error instanceof NeedsRuntime) || turns > 1000) throw error;
      const { need } = error;
      const value = await answerNeed(context, need, need.apiVersion ?? '');
      context.plan.answer(need.key, value);
    }
  }
}

async function finish(context: RunContext, deployment: DeploymentRecord): Promise<void> {
  let outputs: JsonObject;
  try {
    outputs = shownValues(await withAnswers(context, () => context.plan.outputs(context.evaluating)));
  } catch (error) {
    const { detail } = failureOf(error, context.plan);
    if (context.isCanceled()) {
      await update(context, deployment, { state: 'Canceled', error: canceled(deployment) });
      return;
    }
    const message = `Unable to evaluate template outputs. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.`;
    await fail(context, deployment, { code: 'DeploymentOutputEvaluationFailed', message, details: [detail] });
    return;
  }
  const now = context.deps.clock.now();
  await record(context, deployment, {
    ...{ operationId: deployment.operationId, provisioningOperation: 'EvaluateDeploymentOutput', state: 'Succeeded' },
    ...{ startedAt: now, changedAt: now, trackingId: newGuid(context.deps.randomBytes), statusCode: 'OK' },
  });
  const outputResources = await outputResourcesOf(context);
  await update(context, deployment, {
    ...{ state: 'Succeeded', outputResources },
    ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
  });
}

/** Those of nested deployments instead of these. */
async function outputResourcesOf(context: RunContext): Promise<readonly string[]> {
  const made = context.plan.resources.filter(({ isDeployed, isExisting }) => isDeployed && !isExisting);
  const all = await Promise.all(
    made.map(async ({ id, type }) => {
      if (!isNested(type)) return [id];
      const inner = await context.deps.state.get(deployments, deploymentRecordId(id));
      return inner?.value.outputResources ?? [];
    }),
  );
  return [...new Set(all.flat())].toSorted();
}

async function record(
  context: RunContext,
  deployment: DeploymentRecord,
  operation: DeploymentOperation,
): Promise<void> {
  const { state } = context.deps;
  const id = operationsPrefix(deployment.id) + operation.operationId;
  await retryOnConflict(async () => {
    const found = await state.get(deploymentOperations, id);
    const own = await state.get(deployments, deploymentRecordId(deployment.id));
    if (own?.value.operationId !== deployment.operationId) return; // deleted meanwhile, with its group
    await state.commit({
      expect: [expectRecord(deployments, own.id, own.version)],
      write: [writeRecord(deploymentOperations, id, found?.version ?? null, operation)],
    });
  });
}

/** @returns false when the deployment is not there any more */
function update(
  { deps }: RunContext,
  { id, operationId }: DeploymentRecord,
  change: Partial<Pick<DeploymentRecord, 'state' | 'error' | 'outputs' | 'outputResources' | 'onError'>>,
): Promise<boolean> {
  return retryOnConflict(async () => {
    const found = await deps.state.get(deployments, deploymentRecordId(id));
    if (found?.value.operationId !== operationId) return false;
    const changed = { ...found.value, ...change, changedAt: deps.clock.now() };
    await deps.state.commit({ write: [writeRecord(deployments, found.id, found.version, changed)] });
    return true;
  });
}
