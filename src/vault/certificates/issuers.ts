import { fromBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import { listAll } from '../../state/list-all.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { member, objectMember } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { vaultHostOf } from '../objects/object-answers.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import { serialNumber } from './issue.ts';
import type { IssuerRecord } from './issuer-records.ts';
import { issuerRecordId, vaultIssuerKeys, vaultIssuers } from './issuer-records.ts';
import { certifiedKey, datesFrom, makeCertificate } from './x509-crypto.ts';

/** The provider that signs here; the others are the service's partners, whom nobody asks from here. */
const signingProvider = 'Test';
const providers = [
  signingProvider,
  'DigiCert',
  'GlobalSign',
  'OneCertV2-PublicCA',
  'OneCertV2-PrivateCA',
  'SslAdminV2',
];
const issuersMax = 100;
const textCharsMax = 256;
const administratorsMax = 10;

function requestedIssuer({ issuer }: VaultRequest): string {
  if (issuer === undefined || !/^[0-9a-zA-Z-]{1,127}$/.test(issuer)) {
    throw vaultError('invalidName', (issuer ?? '').slice(0, 200));
  }
  return issuer;
}

async function requireIssuer({ state }: VaultServices, request: VaultRequest): Promise<Versioned<IssuerRecord>> {
  const found = await state.get(vaultIssuers, issuerRecordId(request.vault.vaultId, requestedIssuer(request)));
  if (found === undefined) throw vaultError('issuerNotFound');
  return found;
}

const issuerId = (vault: VaultSettings, name: string): string =>
  `https://${vaultHostOf(vault)}/certificates/issuers/${name}`;

function issuerBody(vault: VaultSettings, record: IssuerRecord): JsonObject {
  const { name, provider, credentials, organization, enabled, createdAt, updatedAt } = record;
  return {
    id: issuerId(vault, name),
    provider,
    ...(credentials === undefined ? {} : { credentials }),
    ...(organization === undefined ? {} : { org_details: organization }),
    attributes: { enabled, created: seconds(createdAt), updated: seconds(updatedAt) },
  };
}

const seconds = (milliseconds: number): number => toUnixSeconds(instant(milliseconds));

export async function setIssuer(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const { state, clock } = services;
  const sent = requestedIssuer(request);
  const id = issuerRecordId(vault.vaultId, sent);
  const stored = await state.get(vaultIssuers, id);
  if (
    stored === undefined &&
    (await state.list(vaultIssuers, { prefix: `${vault.vaultId}/`, limit: issuersMax })).length >= issuersMax
  ) {
    throw vaultError('tooManyIssuers', issuersMax);
  }
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  if (member(body, 'provider') === undefined) throw vaultError('requiredProperty', 'provider');
  const now = clock.now();
  const base = {
    format: 1,
    name: stored?.value.name ?? sent,
    enabled: true,
    createdAt: stored?.value.createdAt ?? now,
  } as const;
  const changes = readIssuer(body);
  const { provider } = changes;
  invariant(provider !== undefined, 'a provider was required');
  const known = provider === signingProvider ? stored?.value.authority : undefined;
  const made =
    provider === signingProvider && known === undefined ? await makeAuthority(services, id, base.name) : undefined;
  const authority = known ?? made?.authority;
  const record: IssuerRecord = {
    ...{ ...base, ...changes, provider, updatedAt: now },
    ...(authority === undefined ? {} : { authority }),
  };
  return {
    ...{ status: 200, id: issuerId(vault, record.name), body: issuerBody(vault, record) },
    write: [writeRecord(vaultIssuers, id, stored?.version ?? null, record), ...(made?.write ?? [])],
  };
}

/** A root of its own for each issuer, on the vault's clock. */
async function makeAuthority(services: VaultServices, id: string, name: string) {
  const { keyPool, clock, randomBytes, state } = services;
  const pair = await keyPool.take(2048);
  const der = fromBase64Url(pair.privateKey);
  const key = der && (await certifiedKey(der));
  invariant(key !== undefined, 'an RSA key can sign');
  const subject = `CN=Kustody test issuer ${name}`;
  const properties = {
    ...({ subject, ekus: [], key_usage: ['cRLSign', 'keyCertSign'], validity_months: 240 } as const),
    basic_constraints: { ca: true },
  };
  const dates = datesFrom(clock.now(), properties.validity_months);
  const cer = await makeCertificate(
    properties,
    key.publicKey,
    { issuer: subject, key },
    dates,
    serialNumber(randomBytes),
  );
  const stored = await state.get(vaultIssuerKeys, id);
  const record = { format: 1, pkcs8: pair.privateKey } as const;
  const write: readonly StateWrite[] = [writeRecord(vaultIssuerKeys, id, stored?.version ?? null, record)];
  return { authority: { subject, cer: cer.toString('base64') }, write };
}

export async function getIssuer(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const { id, version, value } = await requireIssuer(services, request);
  const expect = [expectRecord(vaultIssuers, id, version)];
  return { status: 200, id: issuerId(vault, value.name), body: issuerBody(vault, value), expect };
}

export async function updateIssuer(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const { id, version, value } = await requireIssuer(services, request);
  const changes = readIssuer(parseBodyObject(request.body ?? Buffer.from('{}')));
  if (changes.provider !== undefined && changes.provider !== value.provider) {
    throw vaultError('invalidProperty', 'provider');
  }
  const record: IssuerRecord = { ...value, ...changes, provider: value.provider, updatedAt: services.clock.now() };
  return {
    ...{ status: 200, id: issuerId(vault, value.name), body: issuerBody(vault, record) },
    write: [writeRecord(vaultIssuers, id, version, record)],
  };
}

export async function deleteIssuer(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const { id, version, value } = await requireIssuer(services, request);
  const key = await services.state.get(vaultIssuerKeys, id);
  return {
    ...{ status: 200, id: issuerId(vault, value.name), body: issuerBody(vault, value) },
    write: [
      writeRecord(vaultIssuers, id, version, null),
      ...(key === undefined ? [] : [writeRecord(vaultIssuerKeys, id, key.version, null)]),
    ],
    committed: services.compact,
  };
}

/** All of them: they are few. */
export async function listIssuers({ state }: VaultServices, { vault }: VaultRequest): Promise<VaultOutcome> {
  const issuers = await listAll(state, vaultIssuers, `${vault.vaultId}/`);
  const value = issuers.map(({ value: { name, provider } }) => ({ id: issuerId(vault, name), provider }));
  return { status: 200, body: { value, nextLink: null } };
}

function readIssuer(body: JsonObject) {
  const provider = member(body, 'provider');
  const known = providers.find((one) => typeof provider === 'string' && one.toLowerCase() === provider.toLowerCase());
  if (provider !== undefined && known === undefined) throw vaultError('invalidProperty', 'provider');
  const credentials = objectMember(body, 'credentials');
  const accountId = readText(credentials ?? {}, 'account_id', 'credentials.account_id');
  const organization = objectMember(body, 'org_details');
  const enabled = member(objectMember(body, 'attributes') ?? {}, 'enabled');
  if (enabled !== undefined && typeof enabled !== 'boolean') throw vaultError('invalidProperty', 'attributes.enabled');
  return {
    ...(known === undefined ? {} : { provider: known }),
    ...(credentials === undefined ? {} : { credentials: accountId === undefined ? {} : { account_id: accountId } }),
    ...(organization === undefined ? {} : { organization: readOrganization(organization) }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}

const administratorMembers = ['first_name', 'last_name', 'email', 'phone'];

function readOrganization(sent: JsonObject): JsonObject {
  const id = readText(sent, 'id', 'org_details.id');
  const listed = member(sent, 'admin_details');
  const administrators: readonly Json[] = Array.isArray(listed) ? listed : [];
  if ((listed !== undefined && !Array.isArray(listed)) || administrators.length > administratorsMax) {
    throw vaultError('invalidProperty', 'org_details.admin_details');
  }
  return {
    ...(id === undefined ? {} : { id }),
    // The service writes that of every organization.
    zip: 0,
    ...(listed === undefined
      ? {}
      : { admin_details: administrators.map((one) => readPerson(one, administratorMembers)) }),
  };
}

/** Of somebody to be reached: the members that are there, as texts. @throws VaultError 400 */
export function readPerson(sent: Json, members: readonly string[]): JsonObject {
  if (!isJsonObject(sent)) throw vaultError('malformedBody');
  const read = members.map((name) => [name, readText(sent, name, name)] as const);
  return Object.fromEntries(read.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

function readText(object: JsonObject, name: string, shown: string): string | undefined {
  const value = member(object, name);
  if (value !== undefined && (typeof value !== 'string' || value.length > textCharsMax)) {
    throw vaultError('invalidProperty', shown);
  }
  return value;
}
