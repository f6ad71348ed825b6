import type { ArmRequest } from '../../arm/arm-operation.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { flag, oneOf, text } from './child-kind.ts';
import type { ChildContext, ChildKind, WantedChild } from './child-kind.ts';
import type { ChildResource } from './child-resource.ts';
import { kustoError } from './kusto-errors.ts';
import type { OperationFailure } from './operation-record.ts';
import type { ScriptOutcome } from './ports.ts';

const scriptMax = 1_000_000;

/** Commands that the engine of the cluster runs when the resource is written, with the rights of the one who writes it. */
export const scripts: ChildKind = {
  group: 'Scripts',
  list: 'ListByDatabase',
  type: 'scripts',
  parent: 'database',
  methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
  since: '2021-01-01',
  noun: 'script',
  name: {
    pattern: /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,259}$/,
    rule: '1 to 260 letters, digits, spaces, dots, hyphens or underscores',
  },
  nameCheck: 'scriptsCheckNameAvailability',
  forms: {
    '': {
      properties: {
        scriptUrl: text(),
        scriptUrlSasToken: { ...text(), secret: true },
        scriptContent: { ...text(scriptMax), secret: true, since: '2021-08-27' },
        forceUpdateTag: text(),
        continueOnErrors: { ...flag, unset: false },
        scriptLevel: { ...oneOf('Database', 'Cluster'), unset: 'Database', since: '2024-04-13' },
        principalPermissionsAction: {
          ...oneOf('RetainPermissionOnScriptCompletion', 'RemovePermissionOnScriptCompletion'),
          unset: 'RemovePermissionOnScriptCompletion',
          since: '2024-04-13',
        },
        managedIdentityResourceId: { ...text(), since: '2025-02-14' },
      },
      write: 'DatabaseScriptCreateOrUpdate',
    },
  },
  drop: 'DatabaseScriptDelete',
  hasSystemData: 'first',
  check: (_, { values }) => {
    const problem = problemOf(values);
    return problem === undefined ? Promise.resolve() : Promise.reject(problem);
  },
  act,
};

function problemOf({ scriptUrl, scriptContent, managedIdentityResourceId }: JsonObject): Error | undefined {
  // It would run with the rights of whoever sent it instead.
  if (managedIdentityResourceId !== undefined)
    return kustoError('NotBuilt', 'scripts that run as an identity (managedIdentityResourceId)');
  if (scriptUrl !== undefined && scriptContent !== undefined)
    return kustoError('InvalidValue', 'scriptUrl', 'either scriptUrl or scriptContent');
  if (scriptUrl !== undefined) return kustoError('NotBuilt', 'scripts in blobs (scriptUrl)');
  return scriptContent === undefined ? kustoError('MissingProperty', 'scriptContent') : undefined;
}

/** A request that starts again, because something else was changed meanwhile, does not run its script again. */
const outcomes = new WeakMap<ArmRequest, Promise<ScriptOutcome>>();

/** Run when it is new, when the text or its tag differs, and after it failed. */
async function act(
  context: ChildContext,
  { values }: WantedChild,
  held: ChildResource | undefined,
): Promise<OperationFailure | undefined> {
  const { request } = context;
  const isDue =
    held === undefined ||
    held.properties.operation?.failure !== undefined ||
    held.properties.values['scriptContent'] !== values['scriptContent'] ||
    held.properties.values['forceUpdateTag'] !== values['forceUpdateTag'];
  if (!isDue && !outcomes.has(request)) return undefined;
  const running = outcomes.get(request) ?? run(context, values);
  outcomes.set(request, running);
  return failureOf(context, await running);
}

const databaseOf = ({ params }: ArmRequest): string => params['databaseName'] ?? '';

function run({ ports, request, cluster }: ChildContext, values: JsonObject): Promise<ScriptOutcome> {
  const { scriptContent } = values;
  invariant(typeof scriptContent === 'string', 'a script that was checked has a text');
  return ports.runScript({
    clusterId: cluster.properties.clusterId,
    database: databaseOf(request),
    script: scriptContent,
    continueOnErrors: values['continueOnErrors'] === true,
    caller: request.caller,
  });
}

/** The codes of scripts by callers without rights and the texts of those and of unsupported commands are observed; the others are as near. */
function failureOf({ request, name }: ChildContext, outcome: ScriptOutcome): OperationFailure | undefined {
  if (outcome.outcome === 'ran') return undefined;
  const failed = `[BadRequest] Failed to run script '${name}' on database '${databaseOf(request)}'.`;
  if (outcome.outcome === 'unavailable')
    return { code: 'ScriptFailed', message: `${failed} The cluster may not use its key now.` };
  if (outcome.kind === 'unauthorized')
    return {
      code: 'ScriptFailedUnauthorizedCaller',
      message: `${failed} Caller is not authorized to perform this action. Please grant the caller an user/admin permission on the database and try again. For managing permissions, see: https://docs.microsoft.com/azure/data-explorer/manage-database-permissions`,
      details: [{ code: 'Forbidden', message: outcome.message }],
    };
  if (outcome.kind === 'unsupported')
    return {
      code: 'ScriptFailed',
      message: `[BadRequest] The provided script contains unsupported command. The commands must start with the following verbs: '.create, .create-or-alter, .create-merge, .alter, .alter-merge, .add'`,
      details: [{ code: 'BadRequest', message: outcome.message }],
    };
  return { code: 'ScriptFailed', message: `${failed} ${outcome.message}` };
}
