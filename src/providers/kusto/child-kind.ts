import { Type } from '@sinclair/typebox';
import type { TSchema } from '@sinclair/typebox';
import type { ArmRequest, LinkedProperty } from '../../arm/arm-operation.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { ClusterResource } from './cluster-record.ts';
import type { OperationFailure, OperationKind } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';
import type { ChildResource } from './child-resource.ts';

/** A property of a child, in the order in which answers show it. */
export interface PropertyRow {
  readonly shape: TSchema;
  readonly expected: string;
  readonly required?: true;
  /** What answers show while nobody has set it; absent: then they do not show it. */
  readonly unset?: Json;
  /** The api-version in which it came; absent: as old as the child itself. */
  readonly since?: string;
  /** Answers never show it. */
  readonly secret?: true;
  /** Values that would promise what Kustody does not do: refused by name. */
  readonly notBuilt?: (value: Json) => string | undefined;
}

export type PropertyRows = Readonly<Record<string, PropertyRow>>;

/** One of the forms that a child comes in, told by `kind` of its body. */
export interface ChildForm {
  readonly properties: PropertyRows;
  readonly since?: string;
  readonly write: OperationKind;
}

/** What a request wants a child to be. */
export interface WantedChild {
  /** The `kind` of its body; empty for children of one form only. */
  readonly form: string;
  readonly values: JsonObject;
}

export interface ChildContext {
  readonly ports: KustoPorts;
  readonly request: ArmRequest;
  readonly cluster: ClusterResource;
  readonly name: string;
}

/** One type of resource below a cluster or a database. Everything that the resource manager needs of it is in its row. */
export interface ChildKind {
  /** In front of the ids of its operations. */
  readonly group: string;
  readonly list: 'List' | 'ListByCluster' | 'ListByDatabase';
  /** As paths name it: `dataConnections`. */
  readonly type: string;
  readonly parent: 'cluster' | 'database';
  readonly methods: readonly ('GET' | 'PUT' | 'PATCH' | 'DELETE')[];
  readonly since?: string;
  /** In messages: `data connection`. */
  readonly noun: string;
  readonly name: { readonly pattern: RegExp; readonly rule: string };
  /** The POST that tells whether a name is free. */
  readonly nameCheck?: string;
  /** Only one: its name is the empty text, and bodies name no kind. */
  readonly forms: Readonly<Record<string, ChildForm>>;
  /** Forms that Azure has besides, and the api-version in which each came: refused by name. */
  readonly formsNotBuilt?: Readonly<Record<string, string>>;
  readonly drop: OperationKind;
  /** It can be dropped in a cluster that is suspended, too. */
  readonly dropsWhileSuspended?: true;
  /** What else its body makes use of, and what its writer must be allowed there. */
  readonly links?: readonly LinkedProperty[];
  /** It has the location of its cluster. */
  readonly located?: true;
  /** Who made and changed it is shown; `first` also in the answer to a PUT. */
  readonly hasSystemData?: 'first' | 'later';
  /** It follows what others write: when it was made by their clock is kept. */
  readonly followsStorage?: true;
  /** Why it has no effect here. */
  readonly idle?: string;
  /** Where only some of them have no effect: why one has none. @returns undefined for one that acts */
  readonly idleOf?: (
    context: Pick<ChildContext, 'ports' | 'cluster'>,
    form: string,
    values: JsonObject,
  ) => string | undefined;
  /** Checks that need more than the body. @throws ArmError when Azure would refuse it */
  readonly check?: (context: ChildContext, wanted: WantedChild, held: ChildResource | undefined) => Promise<void>;
  /** What it does when it is written. @returns how that failed: the child is there then, as failed */
  readonly act?: (
    context: ChildContext,
    wanted: WantedChild,
    held: ChildResource | undefined,
  ) => Promise<OperationFailure | undefined>;
  /** Of what is attached: whether it has the same databases, so that what the follower has set for them stays. */
  readonly keepsOverrides?: (held: ChildResource, values: JsonObject) => boolean;
  /** What answers show instead, or besides. */
  readonly show?: (values: JsonObject, child: ChildResource, cluster: ClusterResource) => JsonObject;
}

/** Most characters of a text that nothing else bounds. */
const textMax = 2048;

export const text = (max = textMax): Pick<PropertyRow, 'shape' | 'expected'> => ({
  shape: Type.String({ minLength: 1, maxLength: max }),
  expected: `a text of 1 to ${max} characters`,
});

/** Clients send the empty text for what they do not set. */
export const textOrEmpty = {
  shape: Type.String({ maxLength: textMax }),
  expected: `a text of up to ${textMax} characters`,
};

export const flag = { shape: Type.Boolean(), expected: 'true or false' };

export const oneOf = (...values: readonly string[]): Pick<PropertyRow, 'shape' | 'expected'> => ({
  shape: Type.Union(values.map((value) => Type.Literal(value))),
  expected: values.map((value) => `'${value}'`).join(' or '),
});

export const listOfTexts = {
  shape: Type.Array(Type.String({ minLength: 1, maxLength: 260 }), { maxItems: 1000 }),
  expected: 'a list of texts',
};

export const dateTime = {
  shape: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,7})?)?(Z|[+-]\\d{2}:\\d{2})$' }),
  expected: 'a date and time such as 2026-01-31T12:00:00Z',
};

/** @param type `Microsoft.EventHub/namespaces/eventhubs`; absent: any resource */
export function resourceId(type?: string): Pick<PropertyRow, 'shape' | 'expected'> {
  const [namespace = '', ...types] = (type ?? '').split('/');
  const typed = `${caseless(namespace)}${types.map((one) => `/${caseless(one)}/[^/\\s]+`).join('')}`;
  const rest = type === undefined ? '[^/\\s]+(/[^/\\s]+/[^/\\s]+)+' : typed;
  const path = `^/${caseless('subscriptions')}/[^/\\s]+/${caseless('resourceGroups')}/[^/\\s]+/${caseless('providers')}/${rest}$`;
  return {
    shape: Type.String({ pattern: path, maxLength: textMax }),
    expected: type === undefined ? 'the id of a resource' : `the id of a resource of type ${type}`,
  };
}

/** Patterns of schemas have no flags. */
const caseless = (word: string): string =>
  word.replaceAll(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`).replaceAll('.', '\\.');
