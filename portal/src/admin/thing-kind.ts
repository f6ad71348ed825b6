import type { JsonObject } from '../../../src/base/json.ts';
import type { BaseLists, Problem } from './resources.ts';
import type { Form } from './form.ts';

/** One thing in a list. */
export interface Thing {
  /** Unique in its list. */
  readonly id: string;
  readonly name: string;
  /** In the order of the columns, behind the name. */
  readonly cells: readonly string[];
  /** As the service shows it. */
  readonly resource: JsonObject;
}

export interface ListedThings {
  readonly things: readonly Thing[];
  readonly problems: readonly Problem[];
  /** Definitions of roles, where the list needs them. */
  readonly roles?: readonly JsonObject[];
}

/** A kind of thing that is administered: one row. */
export interface ThingKind {
  /** Of its address. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly makes: readonly Form[];
  /** What can be done to one as it stands. */
  readonly changes: (thing: Thing) => readonly Form[];
  readonly list: (base: BaseLists, signal: AbortSignal) => Promise<ListedThings>;
}
