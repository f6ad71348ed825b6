import { invariant } from '../base/invariant.ts';
import { looksLikeApiVersion } from './api-version.ts';
import type { ArmMethod, ArmOperation, ArmProvider, ArmResourceType } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';
import { hasSlash, scopeOfPath } from './resource-path.ts';

export interface Route {
  readonly provider: ArmProvider;
  readonly operation: ArmOperation;
  readonly params: Readonly<Record<string, string>>;
  /** What the caller must be authorized for. */
  readonly scope: string;
  /** Declares the api-versions of this operation. */
  readonly resourceType: ArmResourceType;
}

export interface Router {
  /** @param segments of the path, decoded
   * @throws ArmError: unknown namespace, type or path, and a method that no row of the path has */
  find(method: string, segments: readonly string[], apiVersion: string): Route;
  /** @throws ArmError 400 when the route's resource type has no such api-version */
  requireApiVersion(route: Route, apiVersion: string): void;
  /** Every row there is, for the coverage page and the tests. */
  readonly operations: readonly ArmOperation[];
}

/** One level of all paths. Literals are kept in lower case. */
interface Level {
  readonly literals: Map<string, Level>;
  placeholder: Level | undefined;
  readonly rows: Map<string, Row>;
}

interface Row {
  readonly provider: ArmProvider;
  readonly operation: ArmOperation;
  readonly names: readonly string[];
  readonly resourceType: ArmResourceType;
}

interface Match {
  readonly row: Row;
  readonly values: readonly string[];
}

const newLevel = (): Level => ({ literals: new Map(), placeholder: undefined, rows: new Map() });

/** Dispatch over all rows of all providers; their order does not matter. */
export function createRouter(providers: readonly ArmProvider[]): Router {
  const plain = newLevel();
  const scoped = newLevel();
  for (const provider of providers) {
    for (const operation of provider.operations) addRow(plain, scoped, provider, operation);
  }
  return {
    operations: providers.flatMap((provider) => provider.operations),
    find(method, segments, apiVersion) {
      if (segments.some(hasSlash)) throw namedWithSlash(providers, segments);
      const exact = match(plain, segments, method);
      if (exact !== undefined) return toRoute(exact, undefined, segments);
      const extension = matchScoped(scoped, segments, method);
      if (extension !== undefined) return toRoute(extension, extension.scope, segments);
      throw unknownPath(providers, plain, scoped, method, segments, apiVersion);
    },
    requireApiVersion: requireSupported,
  };
}

function addRow(plain: Level, scoped: Level, provider: ArmProvider, operation: ArmOperation): void {
  const segments = operation.path.split('/').filter((segment) => segment !== '');
  const isScoped = segments[0] === '{scope}';
  let level = isScoped ? scoped : plain;
  const names: string[] = [];
  for (const segment of isScoped ? segments.slice(1) : segments) {
    const name = /^\{(.+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      const literal = segment.toLowerCase();
      const next = level.literals.get(literal) ?? newLevel();
      level.literals.set(literal, next);
      level = next;
    } else {
      names.push(name);
      level = level.placeholder ??= newLevel();
    }
  }
  invariant(!level.rows.has(operation.method), `one row per method and path: ${operation.method} ${operation.path}`);
  level.rows.set(operation.method, { provider, operation, names, resourceType: typeOfRow(provider, segments) });
}

/** The longest declared resource type that the literals of the row's path begin with; else the provider's first. */
function typeOfRow(provider: ArmProvider, segments: readonly string[]): ArmResourceType {
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const after = at >= 0 ? segments.slice(at + 2) : segments;
  const literals = after.filter((segment) => !segment.startsWith('{')).map((segment) => segment.toLowerCase());
  for (let length = literals.length; length > 0; length--) {
    const wanted = literals.slice(0, length).join('/');
    const found = provider.resourceTypes.find((type) => type.resourceType.toLowerCase() === wanted);
    if (found !== undefined) return found;
  }
  const first = provider.resourceTypes[0];
  invariant(first !== undefined, `${provider.namespace} declares a resource type`);
  return first;
}

function match(level: Level, segments: readonly string[], method: string | undefined): Match | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    const row = method === undefined ? level.rows.values().next().value : level.rows.get(method);
    return row === undefined ? undefined : { row, values: [] };
  }
  const literal = level.literals.get(segment.toLowerCase());
  const exact = literal === undefined ? undefined : match(literal, rest, method);
  if (exact !== undefined) return exact;
  const taken = level.placeholder === undefined ? undefined : match(level.placeholder, rest, method);
  return taken === undefined ? undefined : { row: taken.row, values: [segment, ...taken.values] };
}

/** `{scope}` ends before one of the `providers` segments: the last one that fits wins. */
function matchScoped(
  scoped: Level,
  segments: readonly string[],
  method: string | undefined,
): (Match & { readonly scope: string }) | undefined {
  for (let at = segments.length - 1; at >= 0; at--) {
    if (segments[at]?.toLowerCase() !== 'providers') continue;
    const scope = segments.slice(0, at);
    const found = match(scoped, segments.slice(at), method);
    if (found !== undefined && scopeOfPath(scope) === `/${scope.join('/')}`)
      return { ...found, scope: `/${scope.join('/')}` };
  }
  return undefined;
}

function toRoute({ row, values }: Match, scope: string | undefined, segments: readonly string[]): Route {
  const params = Object.fromEntries(row.names.map((name, at) => [name, values[at] ?? '']));
  return {
    provider: row.provider,
    operation: row.operation,
    params: scope === undefined ? params : { ...params, scope },
    scope: scope ?? scopeOfPath(segments),
    resourceType: row.resourceType,
  };
}

function requireSupported(route: Route, apiVersion: string): void {
  const { resourceType, provider } = route;
  if (looksLikeApiVersion(apiVersion) && resourceType.apiVersions.includes(apiVersion.toLowerCase())) return;
  if (provider.namespace === 'Microsoft.Resources') {
    throw armErrors.InvalidApiVersionParameter(apiVersion, resourceType.apiVersions);
  }
  throw armErrors.NoRegisteredProviderFound(
    null,
    apiVersion,
    resourceType.resourceType,
    resourceType.apiVersions,
    resourceType.locations.map((location) => location.replaceAll(' ', '').toLowerCase()),
  );
}

/** No resource has a slash in its name; nothing is routed or authorized by such a path. */
function namedWithSlash(providers: readonly ArmProvider[], segments: readonly string[]): Error {
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const namespace = segments[at + 1]?.toLowerCase();
  const provider = providers.find((candidate) => candidate.namespace.toLowerCase() === namespace);
  return provider?.namedWithSlash?.(segments) ?? armErrors.InvalidRequestUri();
}

const methods: readonly ArmMethod[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'];

function unknownPath(
  providers: readonly ArmProvider[],
  plain: Level,
  scoped: Level,
  method: string,
  segments: readonly string[],
  apiVersion: string,
): Error {
  const known = methods.some(
    (other) => match(plain, segments, other) !== undefined || matchScoped(scoped, segments, other) !== undefined,
  );
  if (known) return armErrors.MethodNotAllowed(method);
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const namespace = at < 0 ? undefined : segments[at + 1];
  if (namespace === undefined) return armErrors.MissingSubscription();
  const provider = providers.find((candidate) => candidate.namespace.toLowerCase() === namespace.toLowerCase());
  if (provider === undefined) return armErrors.InvalidResourceNamespace(namespace);
  const type = segments
    .slice(at + 2)
    .filter((_, index) => index % 2 === 0)
    .join('/');
  return armErrors.InvalidResourceType(type, provider.namespace, apiVersion);
}
