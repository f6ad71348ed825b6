import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import { regex } from '../../kql/algorithms/regex/regex.ts';
import type { CalloutPolicy } from '../catalog/callout-policy.ts';
import { calloutsOf, calloutTypes, immutableCallouts, withCallouts } from '../catalog/callout-policy.ts';
import type { ClusterSettings } from '../catalog/cluster-setting.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';

const columns = 'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';
const invalid = (text: string): Error => dataError('InvalidPolicy', text);

const policiesMax = 100;
const regexMax = 1_000;
const members = ['CalloutType', 'CalloutUriRegex', 'CanCall'];

/** @throws DataError `InvalidPolicy` */
function readCallouts(command: Command): readonly CalloutPolicy[] {
  let value: Json;
  try {
    value = parseAnyJson(command.required('Policy'));
  } catch {
    throw invalid('The policy is not JSON.');
  }
  if (!Array.isArray(value) || value.length > policiesMax || !value.every((one) => isJsonObject(one)))
    throw invalid(`The policy is not an array of at most ${policiesMax} objects.`);
  return (value as readonly JsonObject[]).map(readCallout);
}

function readCallout(sent: JsonObject): CalloutPolicy {
  const unknown = Object.keys(sent).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(`A callout policy has no property '${unknown.slice(0, 100)}'.`);
  const { CalloutType, CalloutUriRegex, CanCall } = sent;
  const type = calloutTypes.find((one) => typeof CalloutType === 'string' && one === CalloutType.toLowerCase());
  if (type === undefined) throw invalid(`CalloutType must be one of ${calloutTypes.join(', ')}.`);
  if (typeof CanCall !== 'boolean') throw invalid('CanCall must be true or false.');
  if (typeof CalloutUriRegex !== 'string' || CalloutUriRegex === '' || CalloutUriRegex.length > regexMax)
    throw invalid(`CalloutUriRegex must be a regular expression of at most ${regexMax} characters.`);
  try {
    regex(CalloutUriRegex);
  } catch {
    throw invalid(`'${CalloutUriRegex}' is no regular expression.`);
  }
  return { CalloutType: type, CalloutUriRegex, CanCall };
}

const isSame = (one: CalloutPolicy, other: CalloutPolicy): boolean =>
  one.CalloutType === other.CalloutType && one.CalloutUriRegex === other.CalloutUriRegex;

/** What is there already is turned on or off, what is new is added. @throws DataError `InvalidPolicy` */
function merged(held: readonly CalloutPolicy[], sent: readonly CalloutPolicy[]): readonly CalloutPolicy[] {
  const kept = held.map((one) => sent.find((other) => isSame(one, other)) ?? one);
  const next = [...kept, ...sent.filter((one) => !held.some((other) => isSame(one, other)))];
  if (next.length > policiesMax) throw invalid(`There are at most ${policiesMax} callout policies.`);
  return next;
}

const textOf = (policies: unknown): string => JSON.stringify(policies, undefined, 2);
const setRow = (policies: readonly CalloutPolicy[] | null): Row => ['CalloutPolicy', '', textOf(policies), '', ''];

const change = async (
  { data }: CommandContext,
  to: (held: ClusterSettings) => readonly CalloutPolicy[] | undefined,
): Promise<readonly CalloutPolicy[]> =>
  calloutsOf(await data.changeClusterSettings((held) => withCallouts(held, to(held))));

/** @see Kusto "Callout policy" and the pages of these commands */
export const calloutCommands: readonly CommandRow[] = [
  {
    kinds: { ShowClusterPolicyCallout: '.show cluster policy callout' },
    permission: 'clusterMonitor',
    columns,
    run: (_command, { data }) => {
      const databases = textOf(data.databases().map(({ name }) => name));
      return [
        ['CalloutPolicy', '', textOf(calloutsOf(data.clusterSettings())), databases, 'Cluster'],
        ['CalloutPolicy', '', textOf(immutableCallouts), databases, 'Cluster immutable policy'],
      ];
    },
  },
  {
    kinds: {
      AlterClusterPolicyCallout: `.alter cluster policy callout '[{"CalloutType": "external_data", "CalloutUriRegex": "contoso", "CanCall": false}]'`,
      AlterMergeClusterPolicyCallout: `.alter-merge cluster policy callout '[{"CalloutType": "external_data", "CalloutUriRegex": "contoso", "CanCall": true}]'`,
    },
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const sent = merged([], readCallouts(command));
      const merges = command.kind.startsWith('AlterMerge');
      return [setRow(await change(context, (held) => (merges ? merged(calloutsOf(held), sent) : sent)))];
    },
  },
  {
    kinds: { DeleteClusterPolicyCallout: '.delete cluster policy callout' },
    permission: 'clusterAdmin',
    columns,
    run: async (_command, context) => {
      await change(context, () => undefined);
      return [setRow(null)];
    },
  },
];
