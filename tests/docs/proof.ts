import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArmOperation } from '../../src/arm/arm-operation.ts';
import type { Router } from '../../src/arm/router.ts';
import { createRouter } from '../../src/arm/router.ts';
import { entraOperations } from '../../src/identity/entra/operations.ts';
import type { EntraOperation } from '../../src/identity/entra/operations.ts';
import type { GraphOperation } from '../../src/identity/graph/graph-operation.ts';
import { graphOperations } from '../../src/identity/graph/operations.ts';
import type { CollectionOperation } from '../../src/vault/objects/operation.ts';
import { vaultOperations } from '../../src/vault/plane/vault-operations.ts';
import { allArmProviders } from '../support/arm-operations.ts';

type Row = ArmOperation | CollectionOperation | EntraOperation | GraphOperation;

export interface Proofs {
  /** Whether real Azure was recorded answering it, with which api-versions; else whether an official description has it. */
  of(row: Row): string;
  /** The api-versions that the resource manager takes for it, newest first. */
  versionsOf(row: ArmOperation): readonly string[];
  /** Recorded requests that no row takes. */
  readonly unrouted: readonly string[];
}

/** Copies of a row are the same operation. */
const keyOf = ({ method, path }: Row): string => `${method} ${path}`;

const folder = join(import.meta.dirname, '..', '..', 'vectors', 'fidelity');
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

/** What is known of each operation, from the data that scripts/recorded-operations.mjs and scripts/documented-operations.mjs wrote. */
export function readProofs(): Proofs {
  const router = createRouter(allArmProviders());
  const recorded = new Map<string, Set<string>>();
  const documented = new Set<string>();
  const unrouted: string[] = [];
  for (const [request, versions] of Object.entries(readJson('recorded-operations.json') as Record<string, string[]>)) {
    const [method = '', service = '', path = ''] = request.split(' ');
    const row = rowOf(router, method, service, path);
    if (row === undefined) unrouted.push(request);
    else recorded.set(keyOf(row), new Set([...(recorded.get(keyOf(row)) ?? []), ...versions]));
  }
  for (const request of (readJson('documented-operations.json') as { requests: string[] }).requests) {
    const [method = '', path = ''] = request.split(' ');
    const isArm = /^\/(?:subscriptions|tenants|providers)(?:\/|$)|^\{scope\}/.test(path);
    const row = rowOf(router, method, isArm ? 'management' : 'vault', path);
    if (row !== undefined) documented.add(keyOf(row));
  }
  return {
    of(row) {
      const versions = recorded.get(keyOf(row));
      if (versions === undefined)
        return documented.has(keyOf(row)) || officialPages.has(row.id) ? 'documented' : 'ours';
      return ['recorded', ...[...versions].toSorted()].join(' ');
    },
    versionsOf: (row) => versionsByRow(router, row),
    unrouted,
  };
}

/** Described by the pages of Microsoft's identity platform and of Graph 1.0, which no client here is generated from. */
const officialPages = new Set([
  ...graphOperations.map(({ id }) => id),
  ...['TokenV1', 'TokenV2', 'AuthorizeV1', 'AuthorizeV2', 'DeviceCodeV1', 'DeviceCodeV2', 'LogoutV1', 'LogoutV2'],
  ...['OpenIdConfigurationV1', 'OpenIdConfigurationV2', 'KeysV1', 'KeysV2'],
]);

function rowOf(router: Router, method: string, service: string, path: string): Row | undefined {
  if (service === 'vault') return rowByPath(vaultOperations, method, path, (row) => row.latest === true);
  if (service === 'login') return rowByPath(entraOperations, method, path, () => false);
  if (service === 'graph') return rowByPath(graphOperations, method, path, () => false);
  return routed(router, method, path)?.operation;
}

function routed(router: Router, method: string, path: string): ReturnType<Router['find']> | undefined {
  const segments = path.replace('{scope}', '/subscriptions/{}/resourcegroups/{}').split('/').slice(1);
  try {
    return router.find(method, segments, '');
  } catch {
    return undefined; // no row
  }
}

/** Literal segments win over placeholders. */
function rowByPath<R extends { readonly method: string; readonly path: string }>(
  rows: readonly R[],
  method: string,
  path: string,
  mayLackVersion: (row: R) => boolean,
): R | undefined {
  const segments = path.split('/');
  const fits = (template: string): number => {
    const wanted = template.split('/');
    if (wanted.length !== segments.length) return -1;
    const literals = wanted.map((segment, at) =>
      /^[{:*]/.test(segment) ? 0 : segment.toLowerCase() === segments[at] ? 1 : Number.NaN,
    );
    const count = literals.reduce((sum, each) => sum + each, 0);
    return Number.isNaN(count) ? -1 : count;
  };
  const score = (row: R): number =>
    Math.max(fits(row.path), mayLackVersion(row) ? fits(row.path.replace('/{version}', '')) : -1);
  return rows
    .filter((row) => (row.method === method || row.method === 'any') && score(row) >= 0)
    .toSorted((a, b) => score(b) - score(a))[0];
}

function versionsByRow(router: Router, row: ArmOperation): readonly string[] {
  const route = routed(router, row.method, row.path.replaceAll(/\{(?!scope\})[^}]+\}/g, '{}'));
  if (route === undefined || keyOf(route.operation) !== keyOf(row))
    throw new Error(`${row.id} is not found by its own path`);
  return route.resourceType.apiVersions;
}
