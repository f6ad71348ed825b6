import type { Caller } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Directory } from '../principals/directory.ts';
import type { GraphRight } from '../principals/directory-roles.ts';
import type { Tenants } from '../tenants.ts';

export interface GraphDependencies {
  readonly directory: Directory;
  readonly tenants: Tenants;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
}

export type GraphVersion = 'v1.0' | 'beta';

export interface GraphRequest {
  readonly caller: Caller;
  readonly version: GraphVersion;
  /** Where the row has `{name}`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Json | undefined;
}

export interface GraphReply {
  readonly status: 200 | 201 | 204;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GraphOperation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/v1.0`: `/users/{id}`. */
  readonly path: string;
  /** `self`: needs a user, and no more than that. */
  readonly right: GraphRight | 'self';
  /** Who may do it to this one object without the right: its owners, when they are users. */
  readonly owners?: (deps: GraphDependencies, request: GraphRequest) => Promise<readonly Guid[]>;
  /** Also below `/beta`, where its object has more properties. Default: in v1.0 alone. */
  readonly isInBeta?: true;
  /** @throws GraphError */
  readonly handle: (deps: GraphDependencies, request: GraphRequest) => Promise<GraphReply>;
}

export const graphHost = 'graph.microsoft.com';
const metadata = `https://${graphHost}/v1.0/$metadata`;

/** `entityReply('users', …)`: one object, as read. */
export const entityReply = (set: string, entity: JsonObject): GraphReply => ({
  status: 200,
  body: { '@odata.context': `${metadata}#${set}/$entity`, ...entity },
});

export const collectionContext = (set: string): string => `${metadata}#${set}`;

/** One object that was made just now. */
export function createdReply(set: string, kind: string, tenantId: Guid, entity: JsonObject): GraphReply {
  const id = typeof entity['id'] === 'string' ? entity['id'] : '';
  const location = `https://${graphHost}/v2/${tenantId}/directoryObjects/${id}/Microsoft.DirectoryServices.${kind}`;
  return { ...entityReply(set, entity), status: 201, headers: { location } };
}

export const noContent: GraphReply = { status: 204 };
