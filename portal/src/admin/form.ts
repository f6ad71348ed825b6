import type { Json } from '../../../src/base/json.ts';
import type { BaseLists } from './resources.ts';
import type { Thing } from './thing-kind.ts';

/** What a form does when it is sent, complete with all names. */
export interface Deed {
  /** Sent one after the other; each has come to its end before the next one. */
  readonly steps: readonly PlaneRequest[];
  /** Lines of a POSIX shell. */
  readonly az: readonly string[];
  /** A module of the official clients. */
  readonly typescript: string;
  /** Absent: it is nothing that a template can do. */
  readonly bicep?: string;
}

export interface PlaneRequest {
  readonly host: string;
  readonly method: 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly json?: Json;
  /** Done is it when this is there: a vault answers before. */
  readonly doneWhenThere?: string;
}

export interface Field {
  readonly id: string;
  readonly label: string;
  /** `check` has the values `true` and `false`. */
  readonly kind: 'text' | 'choice' | 'check';
  readonly choices?: readonly Choice[];
  /** For a text, too. */
  readonly initial: string;
  readonly hint?: string;
  readonly isOptional?: true;
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export type Values = Readonly<Record<string, string>>;

/** @param thing what is changed; none for a form that makes one */
export interface Form {
  readonly id: string;
  readonly title: string;
  readonly fields: (base: BaseLists, thing: Thing) => readonly Field[];
  /** A pure function of its arguments: what is shown is what is done. */
  readonly deed: (values: Values, base: BaseLists, thing: Thing) => Deed;
}

export const valueOf = (values: Values, id: string): string => (values[id] ?? '').trim();

export const text = (id: string, label: string, initial = '', hint?: string): Field => ({
  ...{ id, label, kind: 'text', initial },
  ...(hint === undefined ? {} : { hint }),
});

export const choice = (id: string, label: string, choices: readonly Choice[], initial?: string): Field => ({
  ...{ id, label, kind: 'choice', choices },
  initial: initial ?? choices[0]?.value ?? '',
});

export const check = (id: string, label: string, isOn: boolean): Field => ({
  ...{ id, label, kind: 'check', initial: String(isOn) },
});

export const optional = (field: Field): Field => ({ ...field, isOptional: true });

/** What says itself. */
export const words = (...values: readonly string[]): readonly Choice[] =>
  values.map((value) => ({ value, label: value }));
