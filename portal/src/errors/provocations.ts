import type { DocumentedCode } from '../../../src/cmk/documented-errors.ts';
import type { ArmRequest, Exchange } from './exchange.ts';
import type { Conversation, Rehearsal } from './rehearsal.ts';
import { refusalOf, textAt } from './rehearsal.ts';
import * as arm from './rehearsal.ts';

/** How an error is had on the rehearsal cluster, and how it is taken away. */
export interface Provocation {
  readonly how: string;
  readonly plan: (rehearsal: Rehearsal) => Plan;
}

interface Plan {
  readonly prepare?: readonly ArmRequest[];
  /** What is answered with the error; sent again when it is mended, unless `mended` says what is right. */
  readonly request: ArmRequest;
  /** Goes to a cluster until it has come to rest where `settles` says so. */
  readonly mend?: readonly (ArmRequest & { readonly settles?: true })[];
  /** Whom to let into the vault, known only after the mends before: the cluster's identity. */
  readonly admits?: { readonly cluster: string };
  readonly mended?: ArmRequest;
  readonly tidy?: readonly ArmRequest[];
}

const setKey = (
  { group }: Rehearsal,
  cluster: string,
  keyVaultProperties: Readonly<Record<string, string>>,
  says = 'The cluster is given the key',
): ArmRequest => ({
  ...{ says, method: 'PATCH', path: arm.clusterPath(group, cluster) },
  json: { properties: { keyVaultProperties } },
});

const rightKey = (rehearsal: Rehearsal): Readonly<Record<string, string>> => ({
  keyName: arm.keyName,
  keyVaultUri: arm.vaultUri(rehearsal.vault),
});

const remove = ({ group }: Rehearsal, cluster: string): ArmRequest => ({
  ...{ says: 'The second cluster goes again', method: 'DELETE', path: arm.clusterPath(group, cluster) },
});

/** A vault of its own with a key in it, and the cluster that is told to take that one. */
function lackingVault(
  rehearsal: Rehearsal,
  lacks: {
    readonly says: string;
    readonly principals: readonly string[];
    readonly protection: Readonly<Record<string, boolean>>;
    readonly mend: (vault: string) => ArmRequest;
  },
): Plan {
  const { group, cluster, fresh } = rehearsal;
  const vault = `rehearse-${fresh()}`;
  return {
    prepare: [
      arm.putVault(rehearsal, vault, lacks.principals, lacks.protection, lacks.says),
      arm.putKey(group, vault, arm.keyName, 'A key in it'),
    ],
    request: setKey(rehearsal, cluster, { keyName: arm.keyName, keyVaultUri: arm.vaultUri(vault) }),
    mend: [lacks.mend(vault)],
  };
}

/** One for each row of the documented errors. */
export const provocations: Readonly<Record<DocumentedCode, Provocation>> = {
  InvalidKeyVaultProperties: {
    how: 'The cluster is told the name of a key, and no vault.',
    plan: (rehearsal) => ({
      request: setKey(rehearsal, rehearsal.cluster, { keyName: arm.keyName }),
      mended: setKey(rehearsal, rehearsal.cluster, rightKey(rehearsal), 'The same with the vault'),
    }),
  },
  CannotProvideKeyVaultPropertiesDuringCreation: {
    how: 'A second cluster is created with a key: its identity does not exist yet.',
    plan: (rehearsal) => {
      const second = `second${rehearsal.fresh()}`;
      const { group } = rehearsal;
      const withKey = { ...arm.systemAssigned, properties: { keyVaultProperties: rightKey(rehearsal) } };
      return {
        request: arm.putCluster(group, second, withKey, 'A cluster is created with a key'),
        mend: [{ ...arm.putCluster(group, second, arm.systemAssigned, 'It is created without one'), settles: true }],
        admits: { cluster: second },
        mended: setKey(rehearsal, second, rightKey(rehearsal)),
        tidy: [remove(rehearsal, second)],
      };
    },
  },
  KeyVaultPropertiesOnlyForSystemAssignedResources: {
    how: 'A second cluster without an identity is given a key.',
    plan: (rehearsal) => {
      const second = `second${rehearsal.fresh()}`;
      const { group } = rehearsal;
      return {
        prepare: [arm.putCluster(group, second, {}, 'A cluster without an identity')],
        request: setKey(rehearsal, second, rightKey(rehearsal)),
        mend: [
          {
            ...{ says: 'It gets an identity', method: 'PATCH', path: arm.clusterPath(group, second) },
            ...{ json: arm.systemAssigned, settles: true },
          },
        ],
        admits: { cluster: second },
        tidy: [remove(rehearsal, second)],
      };
    },
  },
  KeyVaultNotFound: {
    how: 'The cluster is sent to a vault that does not exist.',
    plan: (rehearsal) => ({
      request: setKey(rehearsal, rehearsal.cluster, {
        keyName: arm.keyName,
        keyVaultUri: arm.vaultUri(`nowhere-${rehearsal.fresh()}`),
      }),
      mended: setKey(rehearsal, rehearsal.cluster, rightKey(rehearsal), 'The same with the right address'),
    }),
  },
  KeyNotFound: {
    how: 'The cluster is told the name of a key that its vault does not have.',
    plan: (rehearsal) => {
      const key = `missing-${rehearsal.fresh()}`;
      return {
        request: setKey(rehearsal, rehearsal.cluster, { ...rightKey(rehearsal), keyName: key }),
        mend: [arm.putKey(rehearsal.group, rehearsal.vault, key, 'The key is made')],
      };
    },
  },
  IdentityDoesNotHaveAccessToKeyVault: {
    how: 'The cluster is sent to a vault that has granted it nothing.',
    plan: (rehearsal) =>
      lackingVault(rehearsal, {
        says: 'A vault that lets nobody in',
        principals: [],
        protection: { enableSoftDelete: true, enablePurgeProtection: true },
        mend: (vault) => arm.addPolicy(rehearsal, vault, rehearsal.principalId, 'The vault lets the cluster in'),
      }),
  },
  KeyVaultNotPurgeProtected: {
    how: 'The cluster is sent to a vault without purge protection.',
    plan: (rehearsal) =>
      lackingVault(rehearsal, {
        says: 'A vault without purge protection',
        principals: [rehearsal.principalId],
        protection: { enableSoftDelete: true },
        mend: (vault) =>
          arm.patchVault(rehearsal.group, vault, { enablePurgeProtection: true }, 'Purge protection is turned on'),
      }),
  },
  KeyVaultNotSoftDeleteEnabled: {
    how: 'The cluster is sent to a vault without soft delete, as vaults were made before it came by itself.',
    plan: (rehearsal) =>
      lackingVault(rehearsal, {
        says: 'A vault without soft delete',
        principals: [rehearsal.principalId],
        protection: {},
        mend: (vault) =>
          arm.patchVault(
            rehearsal.group,
            vault,
            { enableSoftDelete: true, enablePurgeProtection: true },
            'Soft delete and purge protection are turned on',
          ),
      }),
  },
};

/** How it came out. */
export interface Outcome {
  /** What the service answered instead, when it was not the documented error. */
  readonly instead?: string;
}

/** Provokes the error and mends it. @throws Error when what it needs, or the mend, was refused */
export async function provoke(code: DocumentedCode, rehearsal: Rehearsal, talk: Conversation): Promise<Outcome> {
  const plan = provocations[code].plan(rehearsal);
  for (const request of plan.prepare ?? []) {
    await (request.path.includes('/Microsoft.Kusto/')
      ? talk.settle('prepare', request)
      : talk.need('prepare', request));
  }
  const seen = await talk.say('error', plan.request);
  try {
    if (textAt(seen.answer, 'error', 'code') !== code) return { instead: insteadOf(seen) };
    await mend(plan, rehearsal, talk);
    return {};
  } finally {
    for (const request of plan.tidy ?? []) await talk.say('tidy', request);
  }
}

async function mend(plan: Plan, rehearsal: Rehearsal, talk: Conversation): Promise<void> {
  for (const { settles, ...request } of plan.mend ?? [])
    await (settles === true ? talk.settle('mend', request) : talk.need('mend', request));
  if (plan.admits !== undefined) {
    const path = arm.clusterPath(rehearsal.group, plan.admits.cluster);
    const cluster = await talk.need('mend', { says: 'Who it is now', method: 'GET', path });
    const principal = textAt(cluster, 'identity', 'principalId') ?? '';
    await talk.need('mend', arm.addPolicy(rehearsal, rehearsal.vault, principal, 'The vault lets it in'));
  }
  await talk.settle('mend', plan.mended ?? { ...plan.request, says: 'The same request again' });
}

const insteadOf = (seen: Exchange): string =>
  `${textAt(seen.answer, 'error', 'code') ?? `status ${seen.status}`}: ${refusalOf(seen)}`;
