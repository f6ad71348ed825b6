import type { DocumentedCode, LiveView } from './documented-errors.ts';
import { documentedErrors } from './documented-errors.ts';
import type { Mend } from './mend.ts';
import { followNewest, keyPlace, mendsFor } from './mend.ts';
import { mendByAz } from './mend-az.ts';
import { mendByPowerShell } from './mend-powershell.ts';
import { mendByTypeScript } from './mend-typescript.ts';
import { lackingPermissions } from './plan-permissions.ts';
import type { CmkTarget } from './target.ts';

/** An error that setting the key would be answered with, and what takes it away. */
export interface Expected {
  readonly code: DocumentedCode;
  readonly why: string;
  /** One entry for each change, in the order in which they are done. */
  readonly mend: readonly MendCommands[];
}

export interface MendCommands {
  readonly az: string;
  /** A module; JavaScript takes it as it is. */
  readonly typescript: string;
  readonly powershell: string;
}

export interface Prognosis {
  /** In the order in which they would come: the first is what you would get now. */
  readonly expected: readonly Expected[];
  /** Which errors could not be looked for, and why. */
  readonly notKnown: readonly { readonly code: DocumentedCode; readonly why: string }[];
  /** The cluster is there and does not run: no key can be set, whatever it is. */
  readonly besides?: { readonly found: string; readonly remedy?: string };
}

/** @param malformed what is wrong with the address or the name as they were given, though it can be guessed what they mean */
export function prognosisOf(live: LiveView, target: CmkTarget, now: Date, malformed: string | undefined): Prognosis {
  const expected: Expected[] = [];
  const notKnown: { code: DocumentedCode; why: string }[] = [];
  const expect = (code: DocumentedCode, why: string, mends: readonly Mend[]): void => {
    expected.push({ code, why, mend: mends.map(commandsOf) });
  };
  for (const code of orderOf(live, target, malformed !== undefined)) {
    if (code === 'InvalidKeyVaultProperties' && malformed !== undefined) {
      expect(code, malformed, [followNewest(target, keyPlace(live.facts, target))]);
      continue;
    }
    const holds = documentedErrors[code].holds(live);
    if (holds.now === 'yes') expect(code, whyOf(code, holds.why), mendsFor[code]({ live, target, now }));
    // Of a key that is well, no more can be known of what a refused request said: nothing is missing here.
    else if (holds.now === 'unknown' && !isWellFormed(code, live)) notKnown.push({ code, why: holds.why });
  }
  // What comes after an error cannot be looked at before that is mended; it is no gap.
  return { expected, notKnown: expected.length === 0 ? notKnown : [], ...besides(live) };
}

function besides({ facts, steps }: LiveView): Pick<Prognosis, 'besides'> {
  const step = steps.find(({ id }) => id === 'cluster');
  if (facts.cluster === undefined || step === undefined || step.state === 'done') return {};
  const found = [step.found, step.note].filter(Boolean).join(': ');
  return { besides: { found, ...(step.remedy === undefined ? {} : { remedy: step.remedy }) } };
}

/** Notes of a plan say what a plan does about it, where this only looks. */
const saidByCause: ReadonlySet<DocumentedCode> = new Set([
  'KeyNotFound',
  'KeyVaultNotSoftDeleteEnabled',
  'KeyVaultNotPurgeProtected',
]);

const whyOf = (code: DocumentedCode, found: string): string =>
  saidByCause.has(code) ? documentedErrors[code].cause : found;

const isWellFormed = (code: DocumentedCode, { facts }: LiveView): boolean =>
  code === 'InvalidKeyVaultProperties' && facts.key.outcome === 'found';

/** What is not well-formed shows before any vault is asked. A vault is asked for the key before it is asked to wrap, so a key of a wrong
 * type shows to whoever may get it. */
function orderOf({ facts }: LiveView, target: CmkTarget, isMalformed: boolean): readonly DocumentedCode[] {
  const mayGet = lackingPermissions(target, facts)?.includes('get') !== true;
  const place = isMalformed ? 'first' : mayGet ? 'beforeAccess' : 'afterAccess';
  const invalidAt = (here: typeof place): readonly DocumentedCode[] =>
    here === place ? ['InvalidKeyVaultProperties'] : [];
  return [
    'CannotProvideKeyVaultPropertiesDuringCreation',
    'KeyVaultPropertiesOnlyForSystemAssignedResources',
    ...invalidAt('first'),
    'KeyVaultNotFound',
    ...invalidAt('beforeAccess'),
    'IdentityDoesNotHaveAccessToKeyVault',
    ...invalidAt('afterAccess'),
    'KeyNotFound',
    'KeyVaultNotSoftDeleteEnabled',
    'KeyVaultNotPurgeProtected',
  ];
}

const commandsOf = (mend: Mend): MendCommands => ({
  az: mendByAz(mend),
  typescript: mendByTypeScript(mend),
  powershell: mendByPowerShell(mend),
});
