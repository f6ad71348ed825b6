import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { member, objectMember } from '../objects/attributes.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyShape } from '../keys/key-types.ts';
import { readKeyShape, readKeyType } from '../keys/key-types.ts';
import { isSubject } from './subject-text.ts';

/** Members as on the wire, and in the service's order. */
export interface CertificatePolicy {
  readonly key_props: KeyProperties;
  readonly secret_props: { readonly contentType: SecretForm };
  readonly x509_props: X509Properties;
  readonly lifetime_actions: readonly LifetimeAction[];
  readonly issuer: { readonly name: string; readonly cty?: string; readonly cert_transparency?: boolean };
  readonly enabled: boolean;
}

export interface KeyProperties {
  readonly exportable: boolean;
  /** `-HSM` for keys asked for as such. */
  readonly kty: string;
  readonly key_size?: number;
  readonly crv?: string;
  readonly reuse_key: boolean;
}

export interface X509Properties {
  readonly subject: string;
  readonly sans?: AlternativeNames;
  readonly ekus: readonly string[];
  readonly key_usage: readonly KeyUsage[];
  readonly validity_months: number;
  readonly basic_constraints: { readonly ca: boolean };
}

export interface AlternativeNames {
  readonly emails?: readonly string[];
  readonly dns_names?: readonly string[];
  readonly upns?: readonly string[];
}

export interface LifetimeAction {
  readonly trigger: { readonly lifetime_percentage: number } | { readonly days_before_expiry: number };
  readonly action: { readonly action_type: 'AutoRenew' | 'EmailContacts' };
}

export const secretForms = ['application/x-pkcs12', 'application/x-pem-file'] as const;
export type SecretForm = (typeof secretForms)[number];

/** In the order of answers. */
export const keyUsages = [
  ...(['cRLSign', 'dataEncipherment', 'decipherOnly', 'digitalSignature', 'encipherOnly'] as const),
  ...(['keyAgreement', 'keyCertSign', 'keyEncipherment', 'nonRepudiation'] as const),
];
export type KeyUsage = (typeof keyUsages)[number];

/** Whoever signs with its own key, and whoever is not known here. */
export const selfIssuer = 'Self';
export const unknownIssuer = 'Unknown';

const serverAndClient = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
export const validityMonthsMax = 1200;
const daysOfMonthMin = 27;
const namesMax = 100;
const nameCharsMax = 1024;

/** What is not said anywhere. */
const defaults = (issuer: string): CertificatePolicy => ({
  key_props: { exportable: true, kty: 'RSA', key_size: 2048, reuse_key: false },
  secret_props: { contentType: 'application/x-pkcs12' },
  x509_props: {
    ...{ subject: '', ekus: serverAndClient, key_usage: ['digitalSignature', 'keyEncipherment'] },
    ...{ validity_months: 12, basic_constraints: { ca: false } },
  },
  lifetime_actions: [defaultAction(issuer)],
  issuer: { name: issuer },
  enabled: true,
});

/** Renewed is what somebody here can sign. */
export const defaultAction = (issuer: string): LifetimeAction => ({
  trigger: { lifetime_percentage: 80 },
  action: { action_type: issuer === unknownIssuer ? 'EmailContacts' : 'AutoRenew' },
});

/** @param sent of the request; members that are missing are those of `known`, or the service's defaults
 * @throws VaultError 400 */
export function readPolicy(
  sent: JsonObject,
  known: CertificatePolicy | undefined,
  vault: VaultSettings,
): CertificatePolicy {
  const issuer = readIssuer(objectMember(sent, 'issuer')) ?? known?.issuer;
  const base = known ?? defaults(issuer?.name ?? unknownIssuer);
  const x509 = objectMember(sent, 'x509_props');
  const enabled = member(objectMember(sent, 'attributes') ?? {}, 'enabled') ?? base.enabled;
  if (typeof enabled !== 'boolean') throw vaultError('invalidProperty', 'attributes.enabled');
  const actions = readActions(member(sent, 'lifetime_actions')) ?? base.lifetime_actions;
  const properties = x509 === undefined ? base.x509_props : readX509(x509, base.x509_props);
  refuseAlwaysDue(actions, properties);
  return {
    key_props: readKeyProperties(objectMember(sent, 'key_props'), base.key_props, vault),
    secret_props: { contentType: readSecretForm(objectMember(sent, 'secret_props')) ?? base.secret_props.contentType },
    x509_props: properties,
    lifetime_actions: actions,
    issuer: issuer ?? base.issuer,
    enabled,
  };
}

/** Documented, and what keeps a renewed certificate from being due at once.
 * @throws VaultError 400 */
function refuseAlwaysDue(
  actions: readonly LifetimeAction[],
  { validity_months }: Pick<X509Properties, 'validity_months'>,
): void {
  const isAlways = ({ trigger }: LifetimeAction): boolean =>
    'days_before_expiry' in trigger && trigger.days_before_expiry > validity_months * daysOfMonthMin;
  if (actions.some(isAlways)) throw vaultError('invalidProperty', 'policy.lifetime_actions');
}

/** @throws VaultError 400 for a policy that no certificate can be made by */
export function requireSubject({ x509_props: { subject, sans } }: CertificatePolicy): void {
  const names = [...(sans?.dns_names ?? []), ...(sans?.emails ?? []), ...(sans?.upns ?? [])];
  if (subject === '' && names.length === 0) throw vaultError('requiredProperty', 'policy.x509_props.subject');
}

export function shapeOf(
  { kty, key_size, crv }: KeyProperties,
  vault: VaultSettings,
): KeyShape & { readonly hsm: boolean } {
  const type = readKeyType(kty, vault);
  const shape = readKeyShape(
    { ...(key_size === undefined ? {} : { key_size }), ...(crv === undefined ? {} : { crv }) },
    type.kty,
  );
  return { ...shape, hsm: type.hsm };
}

function readKeyProperties(sent: JsonObject | undefined, base: KeyProperties, vault: VaultSettings): KeyProperties {
  if (sent === undefined) return base;
  const kty = member(sent, 'kty') ?? base.kty;
  if (typeof kty !== 'string') throw vaultError('invalidProperty', 'policy.key_props.kty');
  const sameType = kty.replace('-HSM', '') === base.kty.replace('-HSM', '');
  const size = member(sent, 'key_size') ?? (sameType ? base.key_size : undefined);
  const crv = member(sent, 'crv') ?? (sameType ? base.crv : undefined);
  const sizes = { ...(size === undefined ? {} : { key_size: size }), ...(crv === undefined ? {} : { crv }) };
  const shape = readKeyShape(sizes, readKeyType(kty, vault).kty);
  const exportable = readSwitch(sent, 'exportable') ?? base.exportable;
  const reuse = readSwitch(sent, 'reuse_key') ?? base.reuse_key;
  return shape.kty === 'RSA'
    ? { exportable, kty, key_size: shape.bits, reuse_key: reuse }
    : { exportable, kty, key_size: Number(shape.crv.slice(2, 5)), crv: shape.crv, reuse_key: reuse };
}

function readSwitch(object: JsonObject, name: string): boolean | undefined {
  const value = member(object, name);
  if (value !== undefined && typeof value !== 'boolean') throw vaultError('invalidProperty', `policy.${name}`);
  return value;
}

function readSecretForm(sent: JsonObject | undefined): SecretForm | undefined {
  const value = member(sent ?? {}, 'contentType');
  if (value === undefined) return undefined;
  const form = secretForms.find((known) => known === value);
  if (form === undefined) throw vaultError('invalidProperty', 'policy.secret_props.contentType');
  return form;
}

function readIssuer(sent: JsonObject | undefined): CertificatePolicy['issuer'] | undefined {
  const name = member(sent ?? {}, 'name');
  if (sent === undefined || name === undefined) return undefined;
  if (typeof name !== 'string' || !/^[0-9a-zA-Z-]{1,127}$/.test(name)) {
    throw vaultError('invalidProperty', 'policy.issuer.name');
  }
  const known = [selfIssuer, unknownIssuer].find((one) => one.toLowerCase() === name.toLowerCase());
  const cty = member(sent, 'cty');
  if (cty !== undefined && (typeof cty !== 'string' || cty.length > nameCharsMax))
    throw vaultError('invalidProperty', 'policy.issuer.cty');
  const transparency = readSwitch(sent, 'cert_transparency');
  return {
    name: known ?? name,
    ...(cty === undefined ? {} : { cty }),
    ...(transparency === undefined ? {} : { cert_transparency: transparency }),
  };
}

function readX509(sent: JsonObject, base: X509Properties): X509Properties {
  const subject = member(sent, 'subject') ?? base.subject;
  if (typeof subject !== 'string' || subject.length > nameCharsMax || !isSubject(subject)) {
    throw vaultError('invalidProperty', 'policy.x509_props.subject');
  }
  const sans = readAlternativeNames(objectMember(sent, 'sans')) ?? base.sans;
  const ekus = readTexts(sent, 'ekus') ?? base.ekus;
  if (!ekus.every((oid) => /^[0-2](\.\d{1,20}){1,30}$/.test(oid)))
    throw vaultError('invalidProperty', 'policy.x509_props.ekus');
  const usages = readTexts(sent, 'key_usage');
  const known = usages?.map((usage) => keyUsages.find((one) => one.toLowerCase() === usage.toLowerCase()));
  if (known?.includes(undefined)) throw vaultError('invalidProperty', 'policy.x509_props.key_usage');
  const months = member(sent, 'validity_months') ?? base.validity_months;
  if (typeof months !== 'number' || !Number.isInteger(months) || months < 1 || months > validityMonthsMax) {
    throw vaultError('invalidProperty', 'policy.x509_props.validity_months');
  }
  return {
    subject,
    ...(sans === undefined ? {} : { sans }),
    ekus,
    key_usage: known === undefined ? base.key_usage : keyUsages.filter((usage) => known.includes(usage)),
    validity_months: months,
    basic_constraints: base.basic_constraints,
  };
}

function readAlternativeNames(sent: JsonObject | undefined): AlternativeNames | undefined {
  if (sent === undefined) return undefined;
  const [emails, dnsNames, upns] = ['emails', 'dns_names', 'upns'].map((name) => readTexts(sent, name));
  return {
    ...(emails === undefined ? {} : { emails }),
    ...(dnsNames === undefined ? {} : { dns_names: dnsNames }),
    ...(upns === undefined ? {} : { upns }),
  };
}

function readTexts(object: JsonObject, name: string): readonly string[] | undefined {
  const value = member(object, name);
  if (value === undefined) return undefined;
  const texts: readonly Json[] = Array.isArray(value) ? value : [null];
  const ok =
    texts.length <= namesMax && texts.every((text) => typeof text === 'string' && /^[\x20-\x7e]{1,1024}$/.test(text));
  if (!ok) throw vaultError('invalidProperty', `policy.x509_props.${name}`);
  return texts.filter((text) => typeof text === 'string');
}

const actionTypes = ['AutoRenew', 'EmailContacts'] as const;
const actionsMax = 2;

function readActions(sent: Json | undefined): readonly LifetimeAction[] | undefined {
  if (sent === undefined) return undefined;
  const invalid = vaultError('invalidProperty', 'policy.lifetime_actions');
  if (!Array.isArray(sent) || sent.length > actionsMax) throw invalid;
  const actions: readonly Json[] = sent;
  return actions.map((one) => {
    if (!isJsonObject(one)) throw invalid;
    const type = member(objectMember(one, 'action') ?? {}, 'action_type');
    const action = actionTypes.find((known) => typeof type === 'string' && known.toLowerCase() === type.toLowerCase());
    const trigger = objectMember(one, 'trigger') ?? {};
    const [percentage, days] = [member(trigger, 'lifetime_percentage'), member(trigger, 'days_before_expiry')];
    if (action === undefined || (percentage === undefined) === (days === undefined)) throw invalid;
    const amount = percentage ?? days;
    const most = percentage === undefined ? 36_500 : 99;
    if (typeof amount !== 'number' || !Number.isInteger(amount) || amount < 1 || amount > most) throw invalid;
    return {
      trigger: percentage === undefined ? { days_before_expiry: amount } : { lifetime_percentage: amount },
      action: { action_type: action },
    };
  });
}
