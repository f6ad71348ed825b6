import { az } from './commands.ts';
import type { KeyFacts } from './facts.ts';
import type { PlanInput, PlanStep } from './plan-step.ts';
import { done, inTheWay, toDo, unknown } from './plan-step.ts';
import type { CmkTarget } from './target.ts';

const sizes: readonly (number | undefined)[] = [2048, 3072, 4096];

export function keyStep({ target, facts, options, now }: PlanInput): PlanStep {
  const { vault } = facts;
  if (vault === undefined) return unknown('key', 'There is no vault.');
  const ref = { vault: vault.name, key: target.keyName };
  switch (facts.key.outcome) {
    case 'notAsked':
      return unknown('key', 'The vault was not asked.');
    case 'refused':
      return inTheWay('key', 'not readable', {
        note: `The vault does not show the key to whoever runs this: ${facts.key.message}`,
        // Of the firewall's refusals only the text says that they are its own.
        remedy: /client address is not authorized/i.test(facts.key.message)
          ? az.letAddressIn(vault.name)
          : az.grantYourself(vault),
      });
    case 'missing':
      break;
    case 'found':
      return foundKey(target, ref, facts.key.key, now);
  }
  if (facts.key.deleted) {
    return inTheWay('key', 'soft-deleted', {
      note: `Key '${target.keyName}' was deleted and can be recovered.`,
      remedy: az.recoverKey(ref),
    });
  }
  if (target.keyVersion !== undefined) {
    return inTheWay('key', 'no such version', {
      note: `The vault has no version ${target.keyVersion} of key '${target.keyName}'.`,
      remedy: az.listVersions(ref),
    });
  }
  if (!options.createKey) {
    return inTheWay('key', 'no such key', {
      note: `The vault has no key '${target.keyName}'; it is created only with --create-key.`,
      remedy: az.createKey(ref, options.keySizeBits),
    });
  }
  return toDo('key', 'no such key', {
    note: `Create an RSA key of ${options.keySizeBits} bits.`,
    change: { kind: 'createKey', vaultUri: vault.uri, keyName: target.keyName, sizeBits: options.keySizeBits },
  });
}

function foundKey(target: CmkTarget, ref: { vault: string; key: string }, key: KeyFacts, now: Date): PlanStep {
  const problem = keyProblem(ref, key, now);
  if (problem !== undefined) return inTheWay('key', keyText(key), problem);
  const follows = target.keyVersion === undefined ? ', the newest' : '';
  return done(
    'key',
    `${keyText(key)}${follows}${key.expiresOn === undefined ? '' : `, expires ${day(key.expiresOn)}`}`,
  );
}

/** Why a cluster could not use the key now. */
export function keyProblem(
  ref: { readonly vault: string; readonly key: string },
  key: KeyFacts,
  now: Date,
): { readonly note: string; readonly remedy: string } | undefined {
  const set = (...change: readonly string[]): string => az.setAttributes(ref, key.version, ...change);
  if (!isRsa(key) || !sizes.includes(key.sizeBits)) {
    return {
      note: 'A cluster takes RSA keys of 2048, 3072 and 4096 bits.',
      remedy: az.createKey({ ...ref, key: `${ref.key}-rsa` }, 3072),
    };
  }
  if (!key.enabled) return { note: 'The key version is disabled.', remedy: set('--enabled', 'true') };
  if (key.notBefore !== undefined && key.notBefore > now)
    return {
      note: `The key version is not valid before ${iso(key.notBefore)}.`,
      remedy: set('--not-before', iso(now)),
    };
  if (key.expiresOn !== undefined && key.expiresOn <= now)
    return {
      note: `The key version expired at ${iso(key.expiresOn)}.`,
      remedy: az.createKey(ref, key.sizeBits ?? 3072),
    };
  const missing = ['wrapKey', 'unwrapKey'].filter((operation) => !key.operations.includes(operation));
  if (missing.length === 0) return undefined;
  return {
    note: `The key itself does not permit ${missing.join(', ')}.`,
    remedy: set('--ops', ...new Set([...key.operations, 'wrapKey', 'unwrapKey'])),
  };
}

const isRsa = ({ keyType }: KeyFacts): boolean => keyType === 'RSA' || keyType === 'RSA-HSM';

const keyText = (key: KeyFacts): string =>
  `${key.keyType}${key.sizeBits === undefined ? '' : ` ${key.sizeBits}`}, version ${key.version}`;

const iso = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
export const day = (date: Date): string => date.toISOString().slice(0, 10);
