import type { Versioned } from '../../state/state.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { idOf } from './object-answers.ts';
import type { Found, ObjectKind, ObjectRecord, VersionRecord } from './object-kind.ts';
import { stillAsRead } from './object-store.ts';
import type { VaultOutcome } from './operation.ts';

interface Shown {
  readonly vault: VaultSettings;
  readonly object: Versioned<ObjectRecord>;
  readonly apiVersion: string;
  readonly outcome: VaultOutcome & { readonly text: string };
}

/** What shows a version in full (but for the value of a secret), as text: made once for the records as they were opened (each time they are read where they are not kept
 * open) and for settings of their vault. Goes with the record of the version. */
export function createShownAnswers<Version extends VersionRecord, Whole extends ObjectRecord>(
  kind: ObjectKind<Version, Whole>,
): (vault: VaultSettings, found: Found<Version, Whole>, apiVersion: string) => Shown['outcome'] {
  const shown = new WeakMap<Versioned<Version>, Shown>();
  return (vault, found, apiVersion) => {
    const { object, version } = found;
    const known = shown.get(version);
    if (known?.vault === vault && known.object === object && known.apiVersion === apiVersion) return known.outcome;
    const outcome: Shown['outcome'] = {
      ...{ status: 200, id: idOf(vault, kind, found) },
      text: JSON.stringify(kind.bundle(vault, found, apiVersion)),
      expect: stillAsRead(kind, found),
    };
    shown.set(version, { vault, object, apiVersion, outcome });
    return outcome;
  };
}
