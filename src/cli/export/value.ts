/** A value of an exported property: JSON with expressions in it. */
export type Value = null | boolean | number | string | Expression | readonly Value[] | ValueObject;
export interface ValueObject {
  readonly [member: string]: Value;
}

/** What a deployment finds out by itself. `of` names a resource of the same export by its symbol. */
export type Term =
  | { readonly kind: 'parameter'; readonly name: string }
  /** The resource id. */
  | { readonly kind: 'id'; readonly of: string }
  /** A property that the service fills in, once the resource is there. */
  | { readonly kind: 'property'; readonly of: string; readonly name: 'vaultUri' | 'principalId' }
  /** Object id of the system-assigned identity. */
  | { readonly kind: 'ownPrincipalId'; readonly of: string }
  | { readonly kind: 'tenantId' }
  /** Object id of whoever deploys. */
  | { readonly kind: 'deployer' }
  | { readonly kind: 'groupId' }
  /** Resource id of a built-in role. */
  | { readonly kind: 'role'; readonly id: string }
  /** The same name on every deployment into the same place. */
  | { readonly kind: 'guid'; readonly of: readonly Value[] }
  /** An object whose members are named by resource ids and empty. */
  | { readonly kind: 'identities'; readonly ids: readonly Value[] };

export class Expression {
  constructor(readonly term: Term) {}
}

export const parameter = (name: string): Expression => new Expression({ kind: 'parameter', name });
export const idOf = (symbol: string): Expression => new Expression({ kind: 'id', of: symbol });
export const tenantId = new Expression({ kind: 'tenantId' });
export const deployer = new Expression({ kind: 'deployer' });
export const groupId = new Expression({ kind: 'groupId' });

export const isValueObject = (value: Value): value is ValueObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Expression);

export const isValueList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** Symbols of all resources that a value speaks of. */
export function symbolsIn(value: Value): readonly string[] {
  if (value instanceof Expression) {
    const { term } = value;
    if (term.kind === 'guid') return term.of.flatMap(symbolsIn);
    if (term.kind === 'identities') return term.ids.flatMap(symbolsIn);
    return 'of' in term ? [term.of] : [];
  }
  if (isValueList(value)) return value.flatMap(symbolsIn);
  return isValueObject(value) ? Object.values(value).flatMap(symbolsIn) : [];
}
