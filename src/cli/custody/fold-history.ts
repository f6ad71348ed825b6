import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { CopyKind } from './copy-rows.ts';
import { copyKindOf, isCertificateMade } from './copy-rows.ts';

/** An event of the audit, with its number in the log. No types from elsewhere: the portal's pages take this, too. */
export interface NumberedEvent {
  readonly sequence: number;
  readonly event: JsonObject;
}

/** Uses of one key by one caller, from the audit. Times are ISO on the Kustody clock. */
export interface RecordedUse {
  /** `https://{vault}.vault.azure.net/keys/{name}`, lower case. */
  readonly key: string;
  readonly versions: ReadonlySet<string>;
  /** Object id. */
  readonly caller: string;
  /** Id of the cluster whose identity it is, as the token named it, lower case; missing for people, programs and older events. */
  readonly cluster?: string;
  readonly first: string;
  readonly last: string;
}

/** What could be a copy of a key: by vault and name, whatever it was of. */
export interface RecordedCopy {
  readonly kind: CopyKind;
  /** `https://{vault}.vault.azure.net`, lower case. */
  readonly vault: string;
  readonly name: string;
  readonly operation: string;
  readonly caller: string;
  readonly time: string;
}

/** A step in the life of a key, or in what a cluster got of it. */
export interface RecordedStep {
  readonly key: string;
  /** Missing for what concerns all of them. */
  readonly version?: string;
  /** `KeyRotate`, as the audit names it; or that a cluster was refused, and answered again. */
  readonly step: string;
  /** Object id. */
  readonly by: string;
  /** Resource id, lower case, of the cluster that asked. */
  readonly cluster?: string;
  readonly time: string;
}

export interface RecordedExport {
  /** Resource id, lower case. */
  readonly cluster: string;
  readonly container: string;
  readonly time: string;
}

/** A copy of the whole instance, so of all its clusters, or of the one that its place names. */
export interface RecordedInstanceCopy {
  /** `InstanceBackup`, `InstanceMove`, `InstanceRestore`, `InstanceTakenBack`, `ClusterBackup`, `ClusterRestore` */
  readonly operation: string;
  readonly place: string;
  readonly by: string;
  readonly time: string;
}

/** All that the audit says of keys and of what has left clusters. */
export interface KeyHistory {
  /** Nothing was removed from the log yet: it tells everything since the data directory was made. */
  readonly wholeLog: boolean;
  /** Of the oldest event that is kept; missing when there is none. */
  readonly since?: string;
  readonly uses: readonly RecordedUse[];
  readonly copies: readonly RecordedCopy[];
  readonly steps: readonly RecordedStep[];
  /** `{vault} {name}` of objects that are certificates, or were. */
  readonly certificates: ReadonlySet<string>;
  readonly exports: readonly RecordedExport[];
  readonly instanceCopies: readonly RecordedInstanceCopy[];
}

/** Far more than an instance has; who makes more names than that is told, not counted. */
const entriesMax = 100_000;

export class TooLongHistoryError extends Error {}

export function foldHistory() {
  const uses = new Map<string, RecordedUse & { readonly versions: Set<string> }>();
  const copies: RecordedCopy[] = [];
  const steps: RecordedStep[] = [];
  /** By cluster and key: what became of the last request. */
  const outcomes = new Map<string, boolean>();
  const certificates = new Set<string>();
  const exports = new Map<string, RecordedExport>();
  const instanceCopies = new Map<string, RecordedInstanceCopy>();
  let first: { readonly sequence: number; readonly time: string } | undefined;
  const bounded = (): void => {
    if (uses.size + copies.length + steps.length + certificates.size + exports.size + instanceCopies.size > entriesMax)
      throw new TooLongHistoryError(`The audit tells of more than ${entriesMax} uses and copies of keys.`);
  };
  const addVaultEvent = (event: JsonObject): void => {
    const properties = member(event, 'properties');
    const succeeded = event['resultType'] === 'Success';
    const [, vault = '', collection = '', name = '', version = ''] =
      /^(https:\/\/[^/]+)\/(keys|secrets|certificates)\/([^/]+)(?:\/([^/]+))?/.exec(
        textMember(properties, 'id').toLowerCase(),
      ) ?? [];
    if (name === '') return;
    const operation = textMember(event, 'operationName');
    const time = textMember(event, 'time');
    const claim = member(member(event, 'identity'), 'claim');
    const caller = textMember(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier');
    const cluster = clusterOf(claim);
    const key = `${vault}/keys/${name}`;
    const told = { key, by: caller, time, ...(version === '' ? {} : { version }) };
    if (collection === 'keys' && cluster !== undefined && keyUsing.has(operation)) {
      const between = `${cluster} ${key}`;
      // A refusal is told where nothing was answered before, too.
      if ((outcomes.get(between) ?? true) === !succeeded)
        steps.push({
          ...told,
          cluster,
          step: succeeded ? 'answered again' : `refused (${textMember(event, 'resultSignature')})`,
        });
      outcomes.set(between, succeeded);
    }
    if (!succeeded) return;
    if (collection === 'keys' && keyChanging.has(operation)) steps.push({ ...told, step: operation });
    if (isCertificateMade(operation)) certificates.add(`${vault} ${name}`);
    const kind = copyKindOf(operation);
    if (kind !== undefined) copies.push({ kind, vault, name, operation, caller, time });
    if (collection !== 'keys' || !keyUsing.has(operation)) return;
    const entry = JSON.stringify([key, caller, cluster]);
    const known = uses.get(entry);
    const versions = known?.versions ?? new Set<string>();
    if (version !== '') versions.add(version);
    uses.set(entry, {
      ...{ key, versions, caller, first: known?.first ?? time, last: time },
      ...(cluster === undefined ? {} : { cluster }),
    });
  };
  const addExport = (event: JsonObject): void => {
    // One that failed may have left something, too.
    const cluster = textMember(event, 'resourceId').toLowerCase();
    const container = textMember(member(event, 'properties'), 'container');
    exports.set(`${cluster} ${container}`, { cluster, container, time: textMember(event, 'time') });
  };
  const addInstanceCopy = (event: JsonObject): void => {
    // One that failed may have left something, too; one that was refused has not begun.
    if (event['resultType'] === 'Refused') return;
    const operation = textMember(event, 'operationName');
    const place = textMember(member(event, 'properties'), 'place');
    const claim = member(member(event, 'identity'), 'claim');
    const by = textMember(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier');
    instanceCopies.set(`${operation} ${place}`, { operation, place, by, time: textMember(event, 'time') });
  };
  return {
    add({ sequence, event }: NumberedEvent): void {
      first ??= { sequence, time: textMember(event, 'time') || textMember(event, 'eventTimestamp') };
      if (event['category'] === 'AuditEvent') addVaultEvent(event);
      else if (event['category'] === 'DataExport') addExport(event);
      else if (event['category'] === 'InstanceCopy') addInstanceCopy(event);
      bounded();
    },
    result: (): KeyHistory => ({
      wholeLog: first === undefined || first.sequence === 1,
      ...(first === undefined ? {} : { since: first.time }),
      ...{ uses: [...uses.values()], copies, steps, certificates, exports: [...exports.values()] },
      instanceCopies: [...instanceCopies.values()],
    }),
  };
}

/** What a cluster asks of its key, and nothing that only looks at it. */
const keyUsing: ReadonlySet<string> = new Set(['KeyWrap', 'KeyUnwrap', 'KeyEncrypt', 'KeyDecrypt']);

/** What changes what a key is, or whether there is one. */
const keyChanging: ReadonlySet<string> = new Set([
  ...['KeyCreate', 'KeyImport', 'KeyRestore', 'KeyRotate', 'KeyUpdate', 'KeyDelete', 'KeyRecover', 'KeyPurge'],
]);

/** A system-assigned identity is named by its resource alone. */
function clusterOf(claim: JsonObject | undefined): string | undefined {
  const named = [textMember(claim, 'xms_az_rid'), textMember(claim, 'xms_mirid')].map((id) => id.toLowerCase());
  return named.find((id) => id.includes('/providers/microsoft.kusto/clusters/'));
}

const member = (object: JsonObject | undefined, name: string): JsonObject | undefined => {
  const value = object?.[name];
  return isJsonObject(value) ? value : undefined;
};
