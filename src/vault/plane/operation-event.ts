import type { AuditEvent, VaultFacts } from '../../audit/audit-event.ts';
import { parseKeyName, parseKeyVersion } from '../../base/names.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { auditedCaller, auditedNameOf, auditedVault } from '../audited-operation.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import type { VaultCall } from './vault-call.ts';

type Ended = Pick<VaultFacts, 'status' | 'error' | 'access' | 'assignmentId'>;

/** What is told of a request that has ended.
 * @param id of the object, with its version, where that is known */
export function auditEvent(now: Instant, call: VaultCall, ended: Ended, id: string | undefined): AuditEvent {
  return {
    time: toIso(now),
    requestId: call.requestId,
    correlationId: call.correlationId,
    durationMs: Math.round(call.elapsedMs()),
    facts: factsOf(call, ended, id),
  };
}

type Asked = Pick<VaultCall, 'vault' | 'operation' | 'name' | 'issuer' | 'version' | 'clientInfo'>;

interface Told extends Asked {
  readonly facts: VaultFacts;
}

/** Of what succeeded, by the id of the object: what was told last. */
const toldLast = new RecentMap<string, readonly Told[]>(1_000);
const toldMax = 8;

/** The same for the same request of the same caller, as an object: such requests come by the thousand. */
function factsOf(call: VaultCall, ended: Ended, id: string | undefined): VaultFacts {
  const object = id ?? requestedId(call);
  if (ended.error !== undefined || object === undefined) return newFacts(call, ended, object);
  const known = toldLast.get(object) ?? [];
  for (const told of known) if (isSameAsked(told, call) && isSameEnd(told.facts, call, ended)) return told.facts;
  const facts = newFacts(call, ended, object);
  const { vault, operation, name, issuer, version, clientInfo } = call;
  const told = { vault, operation, name, issuer, version, clientInfo, facts };
  toldLast.set(object, [told, ...known.slice(0, toldMax - 1)]);
  return facts;
}

const isSameAsked = (told: Asked, call: Asked): boolean =>
  told.vault === call.vault &&
  told.operation === call.operation &&
  told.name === call.name &&
  told.issuer === call.issuer &&
  told.version === call.version &&
  told.clientInfo === call.clientInfo;

const isSameEnd = (facts: VaultFacts, call: VaultCall, { status, access, assignmentId }: Ended): boolean =>
  facts.caller === auditedCaller(call.caller) &&
  facts.apiVersion === call.apiVersion &&
  facts.clientAddress === call.clientAddress &&
  facts.status === status &&
  facts.access === access &&
  facts.assignmentId === assignmentId;

function newFacts(call: VaultCall, ended: Ended, object: string | undefined): VaultFacts {
  const { vault, operation, apiVersion, clientAddress, clientInfo } = call;
  return {
    ...auditedVault(vault),
    ...{ operation: auditedNameOf(operation.id), apiVersion },
    ...(object === undefined ? {} : { id: object }),
    ...ended,
    ...{ caller: auditedCaller(call.caller), clientAddress },
    ...(clientInfo === undefined ? {} : { clientInfo }),
    requestUri: requestUriOf(call),
  };
}

/** What the path names, as far as it is well-formed. */
function requestedId({ operation, vault, name, version }: VaultCall): string | undefined {
  const objectName = name === undefined ? undefined : parseKeyName(name);
  if (objectName === undefined) return undefined;
  return formatObjectId(
    vault,
    operation.collection,
    objectName,
    version === undefined ? undefined : parseKeyVersion(version),
  );
}

/** Made anew of what is known to be no secret: what else a client wrote there is left out. */
function requestUriOf({ operation, vault, name, issuer, version, apiVersion }: VaultCall): string {
  const objectVersion = version === undefined ? undefined : parseKeyVersion(version);
  const path = operation.path
    .replace('{name}', (name === undefined ? undefined : parseKeyName(name)) ?? '{name}')
    .replace('{issuer}', (issuer === undefined ? undefined : parseKeyName(issuer)) ?? '{issuer}')
    .replace('/{version}', objectVersion === undefined ? '' : `/${objectVersion}`);
  return `${vault.uri}${path.slice(1)}?api-version=${apiVersion}`;
}
