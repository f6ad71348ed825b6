import type { ExportedParameter } from './model.ts';
import type { Symbols } from './symbols.ts';
import type { Value } from './value.ts';
import { deployer, Expression, idOf, parameter } from './value.ts';

/** Whom a grant is for, in the words of a template. */
export interface ExportedPrincipal {
  /** The object id. */
  readonly value: Value;
  /** What stands for the principal in a name: known before anything is deployed, as object ids of identities are not. */
  readonly seed: Value;
  /** The cluster whose own identity it is. */
  readonly ofCluster?: string;
  readonly isDeployer?: true;
}

export interface Principals {
  readonly addIdentity: (objectId: string, symbol: string) => void;
  readonly addCluster: (objectId: string, symbol: string) => void;
  /** Somebody of the directory becomes a parameter. */
  readonly find: (objectId: string) => ExportedPrincipal;
  readonly parameters: () => readonly ExportedParameter[];
}

/** @param ownId of who exports: whoever deploys takes this place
 * @param names by object id, of those whom the directory knows */
export function createPrincipals(ownId: string, names: ReadonlyMap<string, string>, symbols: Symbols): Principals {
  const known = new Map<string, ExportedPrincipal>([
    [ownId.toLowerCase(), { value: deployer, seed: deployer, isDeployer: true }],
  ]);
  const parameters: ExportedParameter[] = [];
  return {
    addIdentity: (objectId, symbol) => {
      const value = new Expression({ kind: 'property', of: symbol, name: 'principalId' });
      known.set(objectId.toLowerCase(), { value, seed: idOf(symbol) });
    },
    addCluster: (objectId, symbol) => {
      const value = new Expression({ kind: 'ownPrincipalId', of: symbol });
      known.set(objectId.toLowerCase(), { value, seed: idOf(symbol), ofCluster: symbol });
    },
    find: (objectId) => {
      const found = known.get(objectId.toLowerCase());
      if (found !== undefined) return found;
      const displayName = names.get(objectId.toLowerCase());
      const name = symbols.symbolOf('principal', displayName ?? String(parameters.length + 1));
      parameters.push({ name, description: `Object id of ${displayName ?? 'a principal without a name'}` });
      const made = { value: parameter(name), seed: parameter(name) };
      known.set(objectId.toLowerCase(), made);
      return made;
    },
    parameters: () => parameters,
  };
}
