import type { JsonObject } from '../../base/json.ts';
import { dataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { jsonOf } from './policy-values.ts';
import type { ClassificationPolicy } from './request-classification.ts';
import { checkClassification, classificationOf, classificationPolicy } from './request-classification.ts';

const columns = 'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';
const invalid = (text: string): Error => dataError('InvalidPolicy', text);

const rowOf = (policy: ClassificationPolicy | undefined): Row => [
  ...['ClusterRequestClassificationPolicy', '', policy === undefined ? 'null' : JSON.stringify(policy, undefined, 2)],
  ...['', ''],
];

/** Every request pays for it. */
const functionMax = 20_000;

/** @param before what counts where the command says nothing @throws DataError `InvalidPolicy` */
function withSent(
  before: Partial<ClassificationPolicy>,
  sent: JsonObject,
  body: string | undefined,
): ClassificationPolicy {
  const { IsEnabled = before.IsEnabled ?? false, ClassificationFunction = before.ClassificationFunction ?? '' } = {
    ...sent,
    ...(body === undefined ? {} : { ClassificationFunction: body.trim() }),
  } as JsonObject;
  if (typeof IsEnabled !== 'boolean') throw invalid('IsEnabled must be true or false.');
  if (typeof ClassificationFunction !== 'string' || ClassificationFunction.length > functionMax)
    throw invalid(`ClassificationFunction must be a string of at most ${functionMax} characters.`);
  if (ClassificationFunction.trim() === '') throw invalid('The policy has no classification function.');
  return { IsEnabled, ClassificationFunction };
}

/** @throws DataError `InvalidPolicy`; KqlError for a function of what is not built */
async function requireFunction(policy: ClassificationPolicy, context: CommandContext): Promise<void> {
  const { caller, engine, database, clock } = context;
  try {
    await checkClassification(engine, policy, {
      properties: {
        ...{ current_database: database, current_application: '', current_principal: caller.fqn },
        ...{ query_consistency: 'strongconsistency', request_description: '', request_text: '' },
        request_type: 'Command',
      },
      ...{ principal: caller.fqn, now: ticksOf(clock.now()) },
      ...(caller.memberOf === undefined ? {} : { memberOf: caller.memberOf }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } catch (error) {
    if (!(error instanceof KqlError) || error.code === 'internal' || error.code === 'notSupported') throw error;
    throw invalid(`The classification function is not valid: ${error.message}`);
  }
}

const members = ['IsEnabled', 'ClassificationFunction'];

/** @see Kusto "Request classification policy" and the pages of these commands */
export const classificationCommands: readonly CommandRow[] = [
  {
    kinds: { ShowClusterPolicyRequestClassification: '.show cluster policy request_classification' },
    permission: 'clusterMonitor',
    columns,
    run: (_command, { data }) => [rowOf(classificationOf(data.clusterSettings()))],
  },
  {
    kinds: {
      AlterClusterPolicyRequestClassification: [
        `.alter cluster policy request_classification '{"IsEnabled":true}' <| iff(request_properties.request_type == "Query", "Queries", "default")`,
        'alter cluster policy request_classification {Policy} <|',
      ],
      AlterMergeClusterPolicyRequestClassification: [
        `.alter-merge cluster policy request_classification '{"IsEnabled":false}'`,
        'alter-merge cluster policy request_classification {Policy}',
      ],
    },
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const { data } = context;
      const merges = command.kind.startsWith('AlterMerge');
      const sent = jsonOf(command.required('Policy'), members);
      const next = (): ClassificationPolicy =>
        withSent(
          merges ? (classificationOf(data.clusterSettings()) ?? {}) : {},
          sent,
          merges ? undefined : command.raw,
        );
      const policy = next();
      await requireFunction(policy, context);
      const { policies } = await data.changeClusterSettings((held) => {
        const known = next();
        // Another command was faster: what was checked is not what would be set.
        if (known.ClassificationFunction !== policy.ClassificationFunction)
          throw invalid('The policy was changed by another command meanwhile. Try again.');
        return { ...held, policies: { ...held.policies, [classificationPolicy]: { ...known } } };
      });
      return [rowOf(policies[classificationPolicy] as unknown as ClassificationPolicy)];
    },
  },
  {
    kinds: { DeleteClusterPolicyRequestClassification: '.delete cluster policy request_classification' },
    permission: 'clusterAdmin',
    columns,
    run: async (_command, { data }) => {
      await data.changeClusterSettings(({ policies, ...held }) => ({
        ...held,
        policies: Object.fromEntries(Object.entries(policies).filter(([name]) => name !== classificationPolicy)),
      }));
      return [rowOf(undefined)];
    },
  },
];
