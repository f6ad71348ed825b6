import { Type } from '@sinclair/typebox';
import type { KeyName, KeyVersion } from '../../base/names.ts';
import { keyNamePattern, keyVersionPattern } from '../../base/names.ts';
import { keyFailureCauses, keyFailureKinds } from '../../encryption/key-wrapper.ts';
import type { Message } from './message.ts';
import { branded, hostName, list, number, object, oneOf, outcome, text } from './message.ts';
import { remoteWrite } from './state-calls.ts';

// Key bytes never appear here: only wrapped ones and check values.

/** As many bytes as the RSA modulus. */
const wrapped = Type.Union(
  [256, 384, 512].map((length) => Type.Uint8Array({ minByteLength: length, maxByteLength: length })),
);
const newWrap = { wrapped, check: Type.Uint8Array({ minByteLength: 16, maxByteLength: 16 }) };
const write = list(remoteWrite, 200_000);

const region = text(100);

/** @see KeyFailure */
const failure = outcome('failed', {
  kind: oneOf(keyFailureKinds),
  cause: oneOf(keyFailureCauses),
  status: Type.Optional(number),
  message: text(1_000),
  region: Type.Optional(region),
});

const kid = object({
  vaultHost: hostName,
  name: branded<KeyName>(keyNamePattern),
  version: branded<KeyVersion>(keyVersionPattern),
});

/** @see KeyDescription */
const description = object({
  kid,
  keyType: text(40),
  bits: Type.Optional(number),
  enabled: Type.Boolean(),
  notBefore: Type.Optional(number),
  expires: Type.Optional(number),
  keyOperations: list(text(40), 32),
  recoveryLevel: text(100),
  region: Type.Optional(region),
});

const lost = outcome('currentKeyLost', { failure });

export const keyReplies = {
  describe: Type.Union([outcome('described', { key: description }), failure]),
  /** @see KeyPreflight */
  preflight: Type.Union([
    outcome('usable', { key: description }),
    outcome('vaultNotFound', { why: oneOf(['noSuchHost', 'otherRegion']), found: Type.Optional(text(100)) }),
    outcome('noAccess', { operation: oneOf(['get', 'wrapKey', 'unwrapKey']), failure }),
    outcome('keyNotFound', { failure }),
    outcome('softDeleteOff', {}),
    outcome('purgeProtectionOff', {}),
    outcome('wrongType', { found: text(100) }),
    outcome('notUsableNow', { why: oneOf(['disabled', 'expired', 'notYetValid']), at: Type.Optional(number) }),
    outcome('unavailable', { failure }),
  ]),
  open: Type.Union([outcome('opened', {}), failure]),
  make: Type.Union([outcome('made', { ...newWrap, write }), failure]),
  rewrap: Type.Union([outcome('rewrapped', newWrap), lost, failure]),
  /** `ended`: that change is not under way any more. */
  replace: Type.Union([
    outcome('replaced', { ...newWrap, write, database: Type.Optional(object(newWrap)) }),
    lost,
    outcome('ended', {}),
    /** Of the database whose own key changes with it. */
    outcome('databaseKeyLost', { failure }),
    outcome('databaseKeyFailed', { failure }),
    failure,
  ]),
  /** `absent`: there is no such key here (any more); the process holds none until the next `open`. */
  adopt: Type.Union([outcome('adopted', {}), outcome('absent', {})]),
  forget: outcome('done', {}),
  makeDatabaseKey: Type.Union([outcome('made', newWrap), failure]),
  openDatabaseKey: Type.Union([outcome('opened', {}), failure]),
  lockDatabase: outcome('done', {}),
  forgetDatabaseKey: outcome('done', {}),
};

export type NewWrap = Message<ReturnType<typeof object<typeof newWrap>>>;
