import 'reflect-metadata';
import {
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  ExtendedKeyUsageExtension,
  BasicConstraintsExtension,
  X509Certificate as ParsedCertificate,
} from '@peculiar/x509';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { fromBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { writeRecord } from '../../state/state.ts';
import { vaultPrivateKeys } from '../keys/key-records.ts';
import { newRecord } from '../keys/new-version.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import { member, objectMember, readObjectChanges } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { idOf } from '../objects/object-answers.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { readPfx } from '../pkcs12/pfx.ts';
import { vaultError } from '../vault-error.ts';
import { certificateKind } from './certificate-bundle.ts';
import { withoutLeftovers } from './certificate-place.ts';
import type { CertificatePolicy, SecretForm, X509Properties } from './certificate-policy.ts';
import { defaultAction, readPolicy, unknownIssuer, validityMonthsMax } from './certificate-policy.ts';
import { keyOpsFor, keyPairOf, tagCharsMax } from './create-certificate.ts';
import { newVersion } from './issue.ts';
import { issuedWrites } from './issued-writes.ts';
import { actionDue } from './lifetime-due.ts';
import { monthsBetween } from './months.ts';
import { subjectText } from './subject-text.ts';
import { usagesOf } from './x509-crypto.ts';

/** A certificate with its key, from elsewhere. */
interface Imported {
  readonly form: SecretForm;
  /** PKCS #8 DER. */
  readonly privateKey: Buffer;
  /** The leaf first. */
  readonly chain: readonly X509Certificate[];
}

export async function importCertificate(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const { randomBytes, clock } = services;
  const place = await withoutLeftovers(services, request);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const imported = await readImported(body);
  const pair = keyPairOf(imported.privateKey);
  const sent = objectMember(body, 'policy') ?? {};
  const properties = propertiesOf(imported.chain);
  // What else is sent of them counts for nothing; actions are read against the validity that the certificate has.
  const x509_props = { validity_months: Math.min(properties.validity_months, validityMonthsMax) };
  const read = readPolicy({ ...sent, x509_props }, undefined, vault);
  const policy = importedPolicy(sent, imported, pair, { ...read, x509_props: properties });
  const { enabled = true, tags } = readObjectChanges(body, tagCharsMax);
  const version = newVersion(randomBytes);
  const now = clock.now();
  const keyOps = keyOpsFor(pair.kty, policy.x509_props.key_usage);
  const der = fromBase64Url(pair.privateKey);
  invariant(der !== undefined, 'a private key is base64url');
  const known = place.certificate?.value;
  const { write, found } = issuedWrites(
    {
      ...{ id: place.id, version, chain: imported.chain.map(({ raw }) => raw), privateKey: der, enabled, tags },
      notExportable: !policy.key_props.exportable,
      record: {
        ...{ format: 1, name: place.name, policy, vaultName: vault.name },
        ...{ policyCreatedAt: known?.policyCreatedAt ?? now, policyUpdatedAt: now },
      },
      stored: { certificate: place.certificate, version: undefined, key: place.key, secret: place.secret },
      keyVersion: {
        stored: undefined,
        value: newRecord(version, { pair, hsm: false, release: {}, changes: { keyOps } }, now),
      },
    },
    now,
    randomBytes,
  );
  return {
    status: 200,
    id: idOf(vault, certificateKind, found),
    body: certificateKind.bundle(vault, found, apiVersion),
    write: [
      writeRecord(vaultPrivateKeys, `${place.id}/${version}`, null, { format: 1, pkcs8: pair.privateKey }),
      ...write,
    ],
    committed: async () => {
      const due = await actionDue(services.state, place.id);
      if (due !== undefined) services.lifetimes.expectAt(due.at);
    },
  };
}

/** What the certificate itself says wins. */
function importedPolicy(
  sent: JsonObject,
  { form }: Imported,
  pair: KeyPair,
  read: CertificatePolicy,
): CertificatePolicy {
  const { exportable, reuse_key } = read.key_props;
  const sizes =
    pair.kty === 'RSA' ? { key_size: pair.bits } : { key_size: Number(pair.crv.slice(2, 5)), crv: pair.crv };
  const hasActions = member(sent, 'lifetime_actions') !== undefined;
  const issuer =
    member(objectMember(sent, 'issuer') ?? {}, 'name') === undefined ? { name: unknownIssuer } : read.issuer;
  return {
    ...read,
    key_props: { exportable, kty: pair.kty, ...sizes, reuse_key },
    secret_props: { contentType: member(sent, 'secret_props') === undefined ? form : read.secret_props.contentType },
    lifetime_actions: hasActions ? read.lifetime_actions : [defaultAction(issuer.name)],
    issuer,
  };
}

function propertiesOf([leaf]: Imported['chain']): X509Properties {
  invariant(leaf !== undefined, 'a chain has a leaf');
  const parsed = new ParsedCertificate(leaf.raw);
  const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.toJSON();
  const valuesOf = (type: string): string[] =>
    (names ?? []).filter((name) => name.type === type).map(({ value }) => value);
  return {
    subject: subjectText(parsed.subjectName),
    ...(names === undefined
      ? {}
      : { sans: { emails: valuesOf('email'), dns_names: valuesOf('dns'), upns: valuesOf('upn') } }),
    ekus: parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String) ?? [],
    key_usage: usagesOf(parsed.getExtension(KeyUsagesExtension)?.usages ?? 0),
    validity_months: monthsBetween(parsed.notBefore, parsed.notAfter),
    basic_constraints: { ca: parsed.getExtension(BasicConstraintsExtension)?.ca ?? false },
  };
}

/** @throws VaultError 400 */
async function readImported(body: JsonObject): Promise<Imported> {
  const [value, password] = [member(body, 'value'), member(body, 'pwd') ?? ''];
  if (value === undefined) throw vaultError('requiredProperty', 'value');
  if (typeof value !== 'string') throw vaultError('invalidProperty', 'value');
  if (typeof password !== 'string') throw vaultError('invalidProperty', 'pwd');
  const bytes = Buffer.from(value, 'base64');
  const pem = value.includes('-----BEGIN') ? value : bytes.toString('latin1');
  if (pem.includes('-----BEGIN')) return readPem(pem);
  const contents = await readPfx(bytes, password);
  if (contents === undefined) throw vaultError('unreadablePfx');
  return matched('application/x-pkcs12', contents.privateKeys, contents.certificates, 'unreadablePfx');
}

function readPem(text: string): Imported {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z ]+)-----([^-]+)-----END \1-----/g)];
  const derOf = (label: RegExp): Buffer[] =>
    blocks
      .filter(([, name = '']) => label.test(name))
      .map(([block]) =>
        label === certificateLabel ? Buffer.from(block.replaceAll(/-----[^-]+-----/g, ''), 'base64') : pkcs8Of(block),
      );
  return matched('application/x-pem-file', derOf(/^(RSA |EC )?PRIVATE KEY$/), derOf(certificateLabel), 'unreadablePem');
}

const certificateLabel = /^CERTIFICATE$/;

function pkcs8Of(pem: string): Buffer {
  try {
    return createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  } catch {
    throw vaultError('unreadablePem');
  }
}

/** The one certificate that belongs to the key, and those that it may have been issued by. */
function matched(
  form: SecretForm,
  privateKeys: readonly Buffer[],
  certificates: readonly Buffer[],
  failure: 'unreadablePfx' | 'unreadablePem',
): Imported {
  const [privateKey] = privateKeys;
  if (privateKey === undefined || certificates.length === 0) throw vaultError(failure);
  try {
    const publicKey = createPublicKey(createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' }));
    const all = certificates.map((der) => new X509Certificate(der));
    const leaf = all.find((one) => one.publicKey.equals(publicKey));
    if (leaf !== undefined) return { form, privateKey, chain: [leaf, ...all.filter((one) => one !== leaf)] };
  } catch {
    // not what its place says
  }
  throw vaultError(failure);
}
