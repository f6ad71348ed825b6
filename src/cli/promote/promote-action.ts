import { setTimeout as pause } from 'node:timers/promises';
import { parseKeyId } from '../../base/key-id.ts';
import { textMember } from '../../base/json.ts';
import { command as azCommand } from '../../cmk/commands.ts';
import type { ResourceId } from '../../cmk/resource-id.ts';
import { asUserError } from '../cmk/session.ts';
import { ask } from '../question.ts';
import { UserError } from '../user-error.ts';
import { startWaiting } from '../waiting.ts';
import type { Performed } from './perform-promotion.ts';
import { differences, performPromotion } from './perform-promotion.ts';
import { planDatabase, rowsToSend } from './plan-promotion.ts';
import { documentOf, doneText, planText } from './promotion-text.ts';
import type { Source } from './source.ts';
import { openSource } from './source.ts';
import type { PlannedDatabase } from './steps.ts';
import { stepsOf } from './steps.ts';
import type { Target } from './target.ts';
import { openTarget } from './target.ts';

/** Options as commander hands them over. */
export interface PromoteOptions {
  readonly to: string;
  readonly data?: string;
  readonly cluster?: string;
  readonly database: readonly string[];
  readonly plan: boolean;
  readonly intoExisting: boolean;
  readonly roles: boolean;
  readonly principal: readonly (readonly [from: string, to: string])[];
  readonly batchRows: number;
  /** Seconds. */
  readonly timeout: number;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Done, but not all of it is as it is here. */
const differentExitCode = 4;

export async function promote(options: PromoteOptions): Promise<void> {
  const uri = addressOf(options.to);
  const waiting = startWaiting();
  const source = await openSource(options);
  const target = openTarget(uri, () => Date.now());
  try {
    if (target.host === source.host)
      throw new UserError(`${target.host} is the name of the cluster that is promoted.`, 'Name the other one by --to.');
    await run(options, source, target, waiting);
  } catch (error) {
    throw asUserError(error);
  } finally {
    waiting.end();
    target.close();
  }
}

/** @throws UserError for what is no address of a cluster, or of its ingestion */
function addressOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.search !== '' || url.pathname !== '/')
    throw new UserError(
      `'${text.split('?')[0] ?? ''}' is no address of a cluster.`,
      'Give https://{cluster}.{region}.kusto.windows.net.',
    );
  if (url.hostname.startsWith('ingest-'))
    throw new UserError('That is the address of ingestion.', `Give https://${url.hostname.replace(/^ingest-/, '')}.`);
  return url.origin;
}

async function run(
  options: PromoteOptions,
  source: Source,
  target: Target,
  waiting: ReturnType<typeof startWaiting>,
): Promise<void> {
  waiting.begin('looking at both clusters');
  const names = await namesOf(options, source);
  const there = new Set(await databasesOf(target));
  const missing = names.filter((name) => !there.has(name));
  const resource = await target.resource().catch(() => undefined);
  requirePlace(missing, resource?.id, target);
  const planned: PlannedDatabase[] = [];
  for (const name of names) {
    const plan = await planDatabase({
      ...{ name, source: source.database(name), sourceId: source.id, rowsMax: options.batchRows },
      ...{ ownClientId: source.ownClientId, periods: there.has(name) ? {} : await source.periods(name) },
      ...{ target: there.has(name) ? target.database(name) : undefined, intoExisting: options.intoExisting },
      look: (what) => waiting.begin(what),
    });
    const principals = new Map(options.principal);
    planned.push({ plan, steps: stepsOf(plan, { roles: options.roles, principals }) });
  }
  waiting.end();
  const about = { source, target: target.uri, planned, keyCommand: keyCommand(source, resource?.id) };
  if (!options.json) process.stdout.write(planText(about));
  if (options.plan) {
    if (options.json) print(documentOf(about, 'planned', []));
    return;
  }
  if (!options.yes && !(await ask(questionOf(planned, target)))) throw new UserError('Nothing was changed.');
  const performed: Performed[] = [];
  for (const { plan, steps } of planned)
    performed.push(
      await performPromotion({
        ...{ plan, steps, source, target, patienceMs: options.timeout * 1_000 },
        monotonicMs: () => performance.now(),
        sleep: (milliseconds) => pause(milliseconds),
        createDatabase: async () => {
          if (resource !== undefined)
            await target.createDatabase(resource.id, resource.location, plan.name, plan.periods);
        },
        begin: (text) => {
          waiting.pause();
          if (!options.json) process.stdout.write(`${plan.name}: ${text}\n`);
          waiting.begin(`${plan.name}: ${text.split('\n')[0]?.slice(0, 60) ?? ''}`);
        },
        progress: (text) => waiting.begin(`${plan.name}: ${text}`),
      }),
    );
  waiting.end();
  const isWhole = performed.every((one) => differences(one).length === 0 && one.refusedRoles.length === 0);
  if (!isWhole) process.exitCode = differentExitCode;
  if (options.json) print(documentOf(about, isWhole ? 'promoted' : 'different', performed));
  else process.stdout.write(doneText(about, performed));
}

const print = (document: unknown): void => void process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);

/** Any database does to ask for all of them. */
const anyDatabase = 'NetDefaultDB';

const databasesOf = async (from: Pick<Source, 'database'>): Promise<readonly string[]> =>
  (await from.database(anyDatabase).command('.show databases | project DatabaseName')).map((row) =>
    textMember(row, 'DatabaseName'),
  );

async function namesOf({ database: wanted }: PromoteOptions, source: Source): Promise<readonly string[]> {
  const all = await databasesOf(source);
  const missing = wanted.find((name) => !all.includes(name));
  if (missing !== undefined) throw new UserError(`There is no database '${missing}'.`, `There are: ${all.join(', ')}`);
  if (wanted.length === 0 && all.length === 0) throw new UserError('The cluster has no database.');
  return wanted.length === 0 ? all : [...new Set(wanted)];
}

/** No command makes a database; the resource manager does. */
function requirePlace(missing: readonly string[], resource: ResourceId | undefined, { host }: Target): void {
  const [first] = missing;
  if (first === undefined || resource !== undefined) return;
  throw new UserError(
    `${host} has no database ${missing.map((name) => `'${name}'`).join(', ')}, and no cluster of this address is in a subscription that you see.`,
    `Make it first: ${azCommand('az', 'kusto', 'database', 'create', '--cluster-name', host.split('.')[0] ?? '', '--database-name', first)} --resource-group GROUP --read-write-database location=REGION`,
  );
}

/** What brings the key along; undefined: it is Microsoft's here, too. */
function keyCommand({ cluster }: Source, resource: ResourceId | undefined): string | undefined {
  const kid = cluster?.custody === 'customer' ? parseKeyId(cluster.kid) : undefined;
  if (cluster === undefined || kid === undefined) return undefined;
  const words = ['--cluster-id', resource?.id ?? 'CLUSTER_ID', '--vault', kid.vaultHost.split('.')[0] ?? ''];
  const version = cluster.followsLatest || kid.version === undefined ? [] : ['--key-version', kid.version];
  return azCommand('kustody', 'cmk', 'apply', ...words, '--key', kid.name, ...version);
}

function questionOf(planned: readonly PlannedDatabase[], { host }: Target): string {
  const rows = planned.reduce((sum, { plan }) => sum + rowsToSend(plan), 0);
  return `${rows} rows leave the key of this cluster, through the staging of ${host}. Do this?`;
}
