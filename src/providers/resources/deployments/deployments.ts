import { setImmediate as othersTurn } from 'node:timers/promises';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import type { ArmReply, ArmRequest } from '../../../arm/arm-operation.ts';
import { operationHeaders } from '../../../arm/long-running.ts';
import { retryOnConflict } from '../../../arm/retry.ts';
import { listIntact } from '../../../state/list-all.ts';
import type { Versioned } from '../../../state/state.ts';
import { writeRecord } from '../../../state/state.ts';
import { templateHash64 } from '../../../templates/expressions/unique-string.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors } from './deployment-errors.ts';
import { deploymentQuota, roomForOne } from './deployment-history.ts';
import type { DeploymentOperation, DeploymentRecord } from './deployment-record.ts';
import {
  deploymentOperations,
  deploymentRecordId,
  deployments,
  deploymentTemplates,
  isActive,
  operationRemovals,
  operationsPrefix,
} from './deployment-record.ts';
import { addressOf, readDeployment } from './deployment-request.ts';
import { withLinkedContent } from './linked-content.ts';
import type { ReadContent } from './linked-content.ts';
import type { NestedTemplates } from './deployment-run.ts';
import { runDeployment } from './deployment-run.ts';
import { showDeployment, shownValues, showValidated } from './deployment-view.ts';
import { onErrorOf } from './on-error.ts';
import type { PlannedDeployment, PlanningContext } from './planned-deployment.ts';
import { dependenciesShown, planDeployment, providersOf, resourcesOf } from './planned-deployment.ts';

/** So many deployments run at the same time, nested ones included. */
const activeMax = 200;
interface Running {
  /** Of the waits, when the server ends. */
  readonly abort: AbortController;
  /** Aborted when it is cancelled. */
  readonly evaluating: AbortController;
}

/** Deployments of this process: what is under way, and how it begins. A body of 4 MB takes a tenth of a second or two to be read, to be planned,
 * to be written for its hash, and to be committed: others have their turn in between. */
export class Deployments {
  readonly #deps: DeploymentDependencies;
  readonly #running = new Map<string, Running>();
  /** So many are about to be in `#running`. */
  #beginning = 0;
  readonly #ends = new Set<Promise<void>>();
  #nextEnd = newEnd();
  readonly #nested: NestedTemplates = new WeakMap();

  constructor(deps: DeploymentDependencies) {
    this.#deps = deps;
  }

  /** @throws ArmError as `create` would, before it made anything */
  async validate(request: ArmRequest): Promise<ArmReply> {
    const { planned, context } = await this.plan(request);
    await othersTurn();
    const record = await newRecord(this.#deps, planned, context);
    return {
      status: 200,
      body: showValidated(
        record,
        resourcesOf(planned).map(({ id }) => id),
      ),
    };
  }

  /** Commits the deployment as accepted, with its template, before it answers; then it runs. */
  async create(request: ArmRequest): Promise<ArmReply> {
    const { planned, context } = await this.plan(request);
    const { record, isNew } = await this.#begin(planned, context);
    const status = `${record.id}/operationStatuses/${record.operationId}`;
    return {
      // At the scope of a subscription the recorded service answers 200 also to the first.
      status: isNew && planned.address.scope.kind === 'resourceGroup' ? 201 : 200,
      headers: operationHeaders(request, status, { asyncOperation: true }),
      body: showDeployment(record),
    };
  }

  /** @throws ArmError 429; 409 for one that is active, and where the history is full */
  async #begin(
    planned: PlannedDeployment,
    context: PlanningContext,
  ): Promise<{ readonly record: DeploymentRecord; readonly isNew: boolean }> {
    if (this.#running.size + this.#beginning >= activeMax) throw deploymentErrors.TooManyDeployments();
    this.#beginning += 1;
    try {
      await othersTurn();
      const record = await newRecord(this.#deps, planned, context);
      await othersTurn();
      const isNew = await retryOnConflict(() => this.#accept(record, planned, context));
      this.#start(record, planned, context);
      return { record, isNew };
    } finally {
      this.#beginning -= 1;
    }
  }

  /** What a request would deploy. @throws ArmError */
  async plan(request: ArmRequest): Promise<{ readonly planned: PlannedDeployment; readonly context: PlanningContext }> {
    await othersTurn();
    const address = await addressOf(this.#deps, request);
    const read: ReadContent = new Map();
    const { body: whole, links: own } = await withLinkedContent(this.#deps, request.body, read);
    const { template, ...rest } = readDeployment(whole, address);
    const above = this.#nested.get(template);
    const wanted = { ...rest, template, links: above?.links ?? own };
    const { caller, correlationId } = request;
    const signal = request.whenGone?.();
    // Lines are counted in what was sent.
    const body = whole === request.body ? request.body : undefined;
    const about = { ...(above && { above }), ...(signal && { signal }) };
    const context = { deps: this.#deps, caller, correlationId, body, read, ...about };
    return { planned: await planDeployment(context, address, wanted), context };
  }

  /** What has begun goes on; nothing more begins. @throws ArmError 409 */
  cancel(record: DeploymentRecord): void {
    const running = this.#running.get(record.operationId + record.id.toLowerCase());
    if (!isActive(record) || running === undefined) {
      throw deploymentErrors.DeploymentCannotBeCancelled(record.name, record.state);
    }
    running.evaluating.abort();
  }

  /** Resolves when no deployment is under way. */
  async quiet(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends);
  }

  /** What was under way when the process ended: it failed, as nobody is there to go on in the caller's name. Run once at start, before
   * requests are taken. Whatever its resources had begun goes on by itself. */
  async failInterrupted(): Promise<void> {
    const message =
      'Kustody ended while the deployment was running. What it had made is there; deploy again to complete it.';
    for (const found of await listIntact(this.#deps.state, deployments))
      if (isActive(found.value)) await this.#fail(found, { code: 'DeploymentFailed', message });
  }

  async #fail(found: Versioned<DeploymentRecord>, error: ArmErrorDetail): Promise<void> {
    const { state, clock } = this.#deps;
    const changedAt = clock.now();
    const operations = await listIntact(state, deploymentOperations, operationsPrefix(found.value.id));
    const open = operations.filter(({ value }) => value.state === 'Running');
    const failed = (operation: DeploymentOperation): DeploymentOperation => ({
      ...operation,
      state: 'Failed',
      changedAt,
      error,
    });
    await state.commit({
      write: [
        writeRecord(deployments, found.id, found.version, { ...found.value, state: 'Failed', changedAt, error }),
        ...open.map(({ id, version, value }) => writeRecord(deploymentOperations, id, version, failed(value))),
      ],
    });
  }

  /** After something that is no answer to the client: its text is for the log alone, and the name can be deployed again. */
  async #failUnforeseen({ id, operationId }: DeploymentRecord): Promise<void> {
    const message = 'The deployment ended by an error of Kustody itself; its log says more.';
    await retryOnConflict(async () => {
      const found = await this.#deps.state.get(deployments, deploymentRecordId(id));
      if (found?.value.operationId === operationId && isActive(found.value))
        await this.#fail(found, { code: 'InternalServerError', message });
    });
  }

  async #accept(record: DeploymentRecord, { wanted }: PlannedDeployment, context: PlanningContext): Promise<boolean> {
    const { state } = this.#deps;
    const id = deploymentRecordId(record.id);
    const found = await state.get(deployments, id);
    if (found !== undefined && isActive(found.value)) throw deploymentErrors.DeploymentActive(record.id);
    const held = found?.value.location;
    if (held !== undefined && record.location !== undefined && held !== record.location) {
      throw deploymentErrors.InvalidDeploymentLocation(record.name, record.location, held);
    }
    const room = found === undefined ? await roomForOne(context, record) : undefined;
    if (room?.isFull === true) {
      await state.commit({ write: room.removals });
      throw deploymentErrors.DeploymentQuotaExceeded(record.name, deploymentQuota);
    }
    const template = await state.get(deploymentTemplates, id);
    await state.commit({
      write: [
        writeRecord(deployments, id, found?.version ?? null, record),
        writeRecord(deploymentTemplates, id, template?.version ?? null, {
          template: this.#nested.get(wanted.template)?.source ?? wanted.template,
        }),
        ...(await operationRemovals(state, id)),
        ...(room?.removals ?? []),
      ],
    });
    return found === undefined;
  }

  #start(record: DeploymentRecord, planned: PlannedDeployment, context: PlanningContext): void {
    const key = record.operationId + record.id.toLowerCase();
    const running: Running = { abort: new AbortController(), evaluating: new AbortController() };
    this.#running.set(key, running);
    const end = this.#run(record, planned, context, running)
      .catch(async (error: unknown) => {
        this.#deps.onError(error);
        await this.#failUnforeseen(record);
      })
      .catch((error: unknown) => this.#deps.onError(error))
      .finally(() => {
        this.#running.delete(key);
        this.#ends.delete(end);
        this.#nextEnd.resolve();
        this.#nextEnd = newEnd();
      });
    this.#ends.add(end);
  }

  async #run(
    record: DeploymentRecord,
    { plan }: PlannedDeployment,
    { caller, correlationId, above }: PlanningContext,
    running: Running,
  ): Promise<void> {
    const deps = this.#deps;
    const evaluating = running.evaluating.signal;
    const isCanceled = (): boolean => evaluating.aborted;
    await runDeployment(
      {
        deps,
        caller,
        correlationId,
        plan,
        isCanceled,
        evaluating,
        depth: above?.depth ?? 1,
        nestedTemplates: this.#nested,
        nextEnd: () => this.#nextEnd.promise,
        signal: running.abort.signal,
      },
      record,
    );
  }
}

interface End {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function newEnd(): End {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** The service's own limit. */
const templateBytesMax = 4 * 1024 * 1024;

async function newRecord(
  deps: DeploymentDependencies,
  planned: PlannedDeployment,
  { correlationId, above }: PlanningContext,
): Promise<DeploymentRecord> {
  const { address, wanted, plan } = planned;
  const onError = await onErrorOf(deps, address, wanted);
  const now = deps.clock.now();
  const written = new TextEncoder().encode(JSON.stringify(wanted.template));
  // A number can be written longer than it was sent.
  if (written.length > templateBytesMax) throw deploymentErrors.DeploymentJobSizeExceeded('template', templateBytesMax);
  return {
    ...{ id: address.id, name: address.name, scopeId: address.scope.id },
    ...(wanted.location === undefined ? {} : { location: wanted.location }),
    ...(wanted.tags === undefined ? {} : { tags: wanted.tags }),
    operationId: operationIdAt(now),
    templateHash: templateHash64(written).toString(),
    parameters: shownValues(plan.parameters.values()),
    ...{ mode: wanted.mode, state: 'Accepted', startedAt: now, changedAt: now, correlationId },
    ...{ providers: providersOf(planned), dependencies: dependenciesShown(planned) },
    ...(Object.keys(wanted.links).length === 0 ? {} : { links: wanted.links }),
    ...(above === undefined ? {} : { isNested: true }),
    ...(onError === undefined ? {} : { onError }),
  };
}

/** How many ticks of 100 ns are left until the end of the year 9999. */
function operationIdAt(milliseconds: number): string {
  const ticks = 621_355_968_000_000_000n + BigInt(Math.floor(milliseconds)) * 10_000n;
  return String(3_155_378_975_999_999_999n - ticks).padStart(20, '0');
}
