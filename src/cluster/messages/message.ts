import { Type } from '@sinclair/typebox';
import type { SchemaOptions, Static, TArray, TObject, TProperties, TSchema, TUnsafe } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Guid } from '../../base/guid.ts';
import { guidPattern } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import { hostNamePattern } from '../../base/names.ts';

/** A process said something that its other side cannot make sense of. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  constructor(what: string) {
    super(`A cluster process sent a message that nobody understands: ${what}.`);
  }
}

/** The type of what a schema describes; nobody changes a message. */
export type Message<S extends TSchema> = Unchanging<Static<S>>;

type Unchanging<T> = T extends Uint8Array | string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Unchanging<Item>[]
    : { readonly [Name in keyof T]: Unchanging<T[Name]> };

/** Compiles the check once, when the first message of its kind comes.
 * @param what the message's name, for the error: what was sent is not told
 * @returns hands the message back, with its type @throws ProtocolError for any other shape, and for a field that nobody knows */
export function reader<S extends TSchema>(what: string, schema: S): (value: unknown) => Message<S> {
  let check: TypeCheck<S> | undefined;
  return (value) => {
    check ??= TypeCompiler.Compile(schema);
    if (!check.Check(value)) throw new ProtocolError(what);
    return value as Message<S>;
  };
}

/** An object with exactly these members. */
export const object = <Members extends TProperties>(members: Members): TObject<Members> =>
  Type.Object(members, { additionalProperties: false });

/** An answer that is told from others by its outcome. */
export const outcome = <const Name extends string, Members extends TProperties>(name: Name, members: Members) =>
  object({ outcome: Type.Literal(name), ...members });

/** One of these texts. */
export const oneOf = <const Names extends readonly string[]>(names: Names): TUnsafe<Names[number]> =>
  Type.Unsafe<Names[number]>(Type.Union(names.map((name) => Type.Literal(name))));

export const list = <Item extends TSchema>(item: Item, itemsMax: number): TArray<Item> =>
  Type.Array(item, { maxItems: itemsMax });

export const text = (charsMax: number) => Type.String({ maxLength: charsMax });

/** A text of a type of its own. */
export const branded = <T extends string>(pattern: RegExp, options: SchemaOptions = {}): TUnsafe<T> =>
  Type.Unsafe<T>(Type.String({ pattern: pattern.source, ...options }));

/** Finite. */
export const number = Type.Number();
/** Whole, not negative, and exact. */
export const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const guid = branded<Guid>(guidPattern);
export const hostName = branded<HostName>(hostNamePattern, { maxLength: 253 });
