import { Field, Input, Text } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import { useState } from 'react';

/** So many are shown at once. */
export const shownMax = 24;

export interface FoundByNameProps<T> {
  readonly things: readonly T[];
  /** `clusters`. */
  readonly kind: string;
  /** What is read for the name that is wanted. */
  readonly textOf: (thing: T) => string;
  /** Those with more come first. */
  readonly need?: (thing: T) => number;
  /** Said behind how many were found. */
  readonly note?: string;
  /** Draws those that are shown. */
  readonly children: (shown: readonly T[]) => ReactNode;
}

/** Few things as they are; of many the first that have a name like the one wanted. */
export function FoundByName<T>({ things, kind, textOf, need, note = '', children }: FoundByNameProps<T>) {
  const [wanted, want] = useState('');
  if (things.length <= shownMax) return children(things);
  const like = wanted.trim().toLowerCase();
  const found = things.filter((thing) => textOf(thing).toLowerCase().includes(like));
  const ordered = need === undefined ? found : found.toSorted((one, other) => need(other) - need(one));
  const shown = ordered.slice(0, shownMax);
  const cut = shown.length < found.length ? `, the first ${String(shown.length)} are shown` : '';
  return (
    <>
      <Field label={`Find one of ${String(things.length)} ${kind} by name`}>
        <Input type="search" size="small" value={wanted} onChange={(_, { value }) => want(value)} />
      </Field>
      <Text size={200} role="status">{`${String(found.length)} found${cut}${note}`}</Text>
      {children(shown)}
    </>
  );
}
