import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseGuid } from '../../base/guid.ts';
import type { CmkClients } from '../../cmk/clients.ts';
import type { Fleet } from '../../cmk/fleet/fleet-facts.ts';
import type { FleetFinding } from '../../cmk/fleet/fleet-findings.ts';
import { fleetFindings, isAsGrave } from '../../cmk/fleet/fleet-findings.ts';
import type { FleetPolicy } from '../../cmk/fleet/fleet-policy.ts';
import { parseFleetPolicy, presetPolicy } from '../../cmk/fleet/fleet-policy.ts';
import { gatherFleet, gatherSubscriptions } from '../../cmk/fleet/gather-fleet.ts';
import { policyDefinitions } from '../../cmk/fleet/policy-definitions.ts';
import { sarifOf } from '../../cmk/fleet/sarif.ts';
import { version } from '../../server/version.ts';
import { UserError } from '../user-error.ts';
import { whileWaiting } from '../waiting.ts';
import { writeFor } from '../write-for.ts';
import type { FleetArguments } from './fleet-command.ts';
import { clusterJson, fleetText } from './fleet-text.ts';
import { printJson } from './present.ts';
import { withSession } from './session.ts';

const policyBytesMax = 1_000_000;

export async function fleet(args: FleetArguments): Promise<void> {
  const named = subscriptionsOf(args);
  const policy = policyOf(args.policy);
  if (args.azurePolicy !== undefined) writeDefinitions(args.azurePolicy, policy);
  await withSession(args.timeout, async ({ clients, pace }) => {
    const found = await lookAt(clients, named);
    const findings = fleetFindings(found, policy, pace.now());
    if (args.sarif !== undefined)
      writeFor('--sarif', args.sarif, `${JSON.stringify(sarifOf(findings, version), undefined, 2)}\n`);
    process.exitCode = exitCodeOf(findings, args);
    if (args.json) printJson(documentOf(found, findings, policy));
    else process.stdout.write(`${fleetText(found, findings)}\n`);
  });
}

const lookAt = (clients: CmkClients, named: readonly string[] | 'all'): Promise<Fleet> =>
  whileWaiting(async (begin) => {
    begin('listing subscriptions and clusters');
    const subscriptions = named === 'all' ? await gatherSubscriptions(clients) : named;
    if (subscriptions.length === 0) throw new UserError('The caller sees no subscription.');
    return gatherFleet(clients, {
      subscriptions,
      looked: (done, all) => begin(`looking at clusters: ${done} of ${all} done`),
    });
  });

function exitCodeOf(findings: readonly FleetFinding[], { failOn }: FleetArguments): number {
  if (findings.some(({ severity }) => isAsGrave(severity, failOn))) return 4;
  return findings.length > 0 ? 3 : 0;
}

const documentOf = (
  { subscriptions, clusters }: Fleet,
  findings: readonly FleetFinding[],
  policy: FleetPolicy,
): Record<string, unknown> => ({
  command: 'fleet',
  subscriptions,
  policy,
  clusters: clusters.map(clusterJson),
  findings,
});

function subscriptionsOf({ subscription, all, managementGroup }: FleetArguments): readonly string[] | 'all' {
  if (managementGroup !== undefined)
    throw new UserError(
      'Management groups are not built.',
      'Give --subscription once for each subscription of the group, or --all.',
    );
  if (all) {
    if (subscription.length > 0) throw new UserError('--all and --subscription exclude each other.');
    return 'all';
  }
  const ofEnvironment = process.env['AZURE_SUBSCRIPTION_ID'] ?? '';
  const named = subscription.length === 0 && ofEnvironment !== '' ? [ofEnvironment] : subscription;
  if (named.length === 0) throw new UserError('No subscription is named.', 'Give --subscription ID, or --all.');
  for (const one of named) if (parseGuid(one) === undefined) throw new UserError(`'${one}' is no subscription id.`);
  return [...new Set(named.map((one) => one.toLowerCase()))];
}

function policyOf(file: string | undefined): FleetPolicy {
  if (file === undefined) return presetPolicy;
  if (statSync(file).size > policyBytesMax) throw new UserError(`The policy ${file} is too long.`);
  const parsed = parseFleetPolicy(readFileSync(file, 'utf8'));
  if ('problem' in parsed) throw new UserError(`The policy ${file}: ${parsed.problem}`);
  return parsed.value;
}

/** Files that `az policy definition create --name NAME --rules …` or a PUT takes. */
function writeDefinitions(directory: string, policy: FleetPolicy): void {
  mkdirSync(directory, { recursive: true });
  for (const { name, properties } of policyDefinitions(policy))
    writeFor('--azure-policy', join(directory, `${name}.json`), `${JSON.stringify({ properties }, undefined, 2)}\n`);
}
