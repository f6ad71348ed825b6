import { oneLine } from './azure-error.ts';
import type { CmkClients } from './clients.ts';
import type { DocumentedCode, Hints, Holds, LiveView } from './documented-errors.ts';
import { documentedCodes, documentedErrors, namedBy } from './documented-errors.ts';
import { gather, gatherCluster, gatherClusterSide } from './gather.ts';
import { clusterStep, identityStep } from './plan-cluster.ts';
import { planOf } from './plan.ts';
import { changesNothing } from './plan-step.ts';
import { resolveTarget } from './resolve-target.ts';
import type { GivenTarget, VaultName } from './target.ts';
import { parseKey, parseVault } from './target.ts';

/** What an error text says: a code of the article, or another one, and the names in its message. */
export interface ReadError {
  readonly documented?: DocumentedCode;
  /** Something that looks like a code and is none of the article. */
  readonly otherCode?: string;
  readonly vault?: VaultName;
  readonly keyName?: string;
}

/** Texts of the article without code, as they stand in failed operations. */
const messages: readonly (readonly [RegExp, DocumentedCode])[] = [
  [/The provided KeyVaultProperties are invalid/i, 'InvalidKeyVaultProperties'],
  [/Cannot provide KeyVaultProperties during cluster creation/i, 'CannotProvideKeyVaultPropertiesDuringCreation'],
  [/KeyVaultProperties can be provided only for resources with/i, 'KeyVaultPropertiesOnlyForSystemAssignedResources'],
  [/Key '[^']*' was not found in KeyVault/i, 'KeyNotFound'],
  [/KeyVault '[^']*' was not found/i, 'KeyVaultNotFound'],
  [/Cluster identity does not have access to KeyVault/i, 'IdentityDoesNotHaveAccessToKeyVault'],
  [/KeyVault '[^']*' is not Purge Protected/i, 'KeyVaultNotPurgeProtected'],
  [/KeyVault '[^']*' is not Soft-Delete enabled/i, 'KeyVaultNotSoftDeleteEnabled'],
];

/** @param text a code, or whatever a client printed: JSON, a log line, a message */
export function readErrorText(text: string): ReadError {
  // The first in the text: what comes after it is detail.
  const first = documentedCodes
    .map((code) => ({ code, at: new RegExp(`\\b${code}\\b`, 'i').exec(text)?.index }))
    .filter((found): found is { code: DocumentedCode; at: number } => found.at !== undefined)
    .sort((left, right) => left.at - right.at)[0]?.code;
  const documented = first ?? messages.find(([pattern]) => pattern.test(text))?.[1];
  const vault = valueOf(parseVault(/KeyVault '([^']*)'/i.exec(text)?.[1] ?? ''));
  const keyName = valueOf(parseKey(/\bKey '([^']*)'/i.exec(text)?.[1] ?? ''));
  const otherCode = documented === undefined ? otherCodeIn(text) : undefined;
  return {
    ...(documented === undefined ? {} : { documented }),
    ...(otherCode === undefined ? {} : { otherCode }),
    ...(vault === undefined ? {} : { vault }),
    ...(keyName === undefined ? {} : { keyName }),
  };
}

const valueOf = <T>(parsed: { readonly value: T } | { readonly problem: string }): T | undefined =>
  'value' in parsed ? parsed.value : undefined;

function otherCodeIn(text: string): string | undefined {
  const found =
    /"code"\s*:\s*"([^"]{1,100})"/.exec(text)?.[1] ?? /^\s*\(?([A-Za-z]{3,100})\)?\s*(?:$|:)/m.exec(text)?.[1];
  return found === undefined ? undefined : oneLine(found);
}

/** Looks at the cluster, and as far as they are named at vault and key. */
export async function lookLive(clients: CmkClients, given: GivenTarget, read: ReadError, now: Date): Promise<LiveView> {
  const asked: GivenTarget = {
    ...(read.vault === undefined ? {} : { vault: read.vault }),
    ...(read.keyName === undefined ? {} : { keyName: read.keyName }),
    ...given,
  };
  const found = await gatherCluster(clients, given.cluster);
  const target = resolveTarget(asked, found);
  if ('value' in target) {
    const facts = await gather(clients, target.value);
    const { steps } = planOf({ target: target.value, facts, options: changesNothing, now });
    return { cluster: given.cluster, target: target.value, facts, steps };
  }
  const identity = given.identity ?? { kind: 'system' };
  const input = {
    target: { cluster: given.cluster, identity },
    facts: await gatherClusterSide(clients, { cluster: given.cluster, identity }),
  };
  return { cluster: given.cluster, facts: input.facts, steps: [clusterStep(input), identityStep(input)] };
}

export interface Finding {
  readonly code: DocumentedCode;
  readonly cause: string;
  readonly check: readonly string[];
  readonly run: readonly string[];
  /** Absent without a cluster to look at. */
  readonly holds?: Holds;
}

/** @param code absent: all that are documented */
export function diagnose(
  code: DocumentedCode | undefined,
  live: LiveView | undefined,
  hints: Hints,
): readonly Finding[] {
  const named = namedBy(live, hints);
  return (code === undefined ? documentedCodes : [code]).map((one) => {
    const { cause, check, run, holds } = documentedErrors[one];
    return { code: one, cause, check, run: run(named), ...(live === undefined ? {} : { holds: holds(live) }) };
  });
}
