import { appRoleAssignmentOperations } from './app-role-assignment-operations.ts';
import { applicationOperations } from './application-operations.ts';
import { credentialOperations } from './credential-operations.ts';
import { federatedCredentialOperations } from './federated-credential-operations.ts';
import { permissionGrantOperations } from './permission-grant-operations.ts';
import type { GraphOperation } from './graph-operation.ts';
import { groupOperations } from './group-operations.ts';
import { memberOperations } from './member-operations.ts';
import { organizationOperations } from './organization-operations.ts';
import { ownerOperations } from './owner-operations.ts';
import { servicePrincipalOperations } from './service-principal-operations.ts';
import { userOperations } from './user-operations.ts';

/** All that is served of Microsoft Graph v1.0; every other path is refused by its name. */
export const graphOperations: readonly GraphOperation[] = [
  ...memberOperations,
  ...organizationOperations,
  ...userOperations,
  ...groupOperations,
  ...applicationOperations,
  ...servicePrincipalOperations,
  ...credentialOperations,
  ...federatedCredentialOperations,
  ...appRoleAssignmentOperations,
  ...permissionGrantOperations,
  ...ownerOperations,
];

export type GraphMatch =
  | { readonly outcome: 'found'; readonly operation: GraphOperation; readonly params: Readonly<Record<string, string>> }
  /** The path is there, for other methods. */
  | { readonly outcome: 'otherMethods' }
  | { readonly outcome: 'none' };

/** Fixed segments win over parameters, so that `/directoryObjects/getByIds` is no object. Without case, as Graph matches.
 * @param path below `/v1.0`, still encoded; `/users('a@b')` is `/users/a@b`
 * @returns undefined for a path that is not valid percent-encoding */
export function matchGraphPath(method: string, path: string): GraphMatch | undefined {
  const segments = segmentsOf(path);
  if (segments === undefined) return undefined;
  const matches = rows.flatMap(({ operation, pattern }) => {
    const params = paramsOf(pattern, segments);
    return params === undefined ? [] : [{ operation, params }];
  });
  const fitting = matches.filter(({ operation }) => operation.method === method);
  const [best] = [...fitting].sort((left, right) => paramCount(left.params) - paramCount(right.params));
  if (best !== undefined) return { outcome: 'found', ...best };
  return { outcome: matches.length > 0 ? 'otherMethods' : 'none' };
}

const rows = graphOperations.map((operation) => ({ operation, pattern: operation.path.split('/').slice(1) }));
const paramCount = (params: object): number => Object.keys(params).length;

function segmentsOf(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part))
      .flatMap((part) => {
        const [, name = '', key = ''] = /^([A-Za-z]+)\((.*)\)$/.exec(part) ?? [];
        return name === '' ? [part] : [name, key.replace(/^'(.*)'$/, '$1').replaceAll("''", "'")];
      });
  } catch {
    return undefined;
  }
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined) params[name] = segment;
    else if (part.toLowerCase() !== segment.toLowerCase()) return undefined;
  }
  return params;
}
