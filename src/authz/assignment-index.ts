import type { RoleAssignment } from './decide.ts';

interface Placed {
  readonly at: number;
  readonly assignment: RoleAssignment;
}

/** Assignments by where they hold, so that a decision looks at those of a scope and what is above it and at no others. */
export class AssignmentIndex {
  readonly #byScope = new Map<string, Placed[]>();

  constructor(readonly all: readonly RoleAssignment[]) {
    for (const [at, assignment] of all.entries()) {
      const scope = comparableScope(assignment.scope);
      const there = this.#byScope.get(scope);
      if (there === undefined) this.#byScope.set(scope, [{ at, assignment }]);
      else there.push({ at, assignment });
    }
  }

  /** Those that hold at a scope, in the order that they were given in. */
  at(scope: string): readonly RoleAssignment[] {
    const inner = comparableScope(scope);
    const found = [...(this.#byScope.get(inner) ?? [])];
    for (let end = inner.indexOf('/'); end >= 0; end = inner.indexOf('/', end + 1))
      found.push(...(this.#byScope.get(inner.slice(0, end)) ?? []));
    return found.sort((left, right) => left.at - right.at).map(({ assignment }) => assignment);
  }
}

/** Two of these are the same for `isScopeWithin`. */
const comparableScope = (scope: string): string => scope.toLowerCase().replace(/\/+$/, '');
