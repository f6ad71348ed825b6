import type { TSchema } from '@sinclair/typebox';
import type { Caller } from '../authz/caller.ts';
import type { AccessAttributes } from '../authz/decide.ts';
import type { Json } from '../base/json.ts';
import type { ArmError } from './arm-error.ts';

export type ArmMethod = 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

/** A request to the resource manager after routing, authentication and authorization. */
export interface ArmRequest {
  /** Values of the `{placeholders}` of the row's path, percent-decoded, case kept. `scope` is a path such as `/subscriptions/…`. */
  readonly params: Readonly<Record<string, string>>;
  /** Query parameters; names lower case and decoded (`$filter`, `api-version`). */
  readonly query: ReadonlyMap<string, string>;
  readonly apiVersion: string;
  /** Names lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON; `undefined` for an empty body. */
  readonly body: Json | undefined;
  readonly caller: Caller;
  /** `https://` and the host the client called, without a trailing slash: base of the absolute URLs in headers and nextLink. */
  readonly origin: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly correlationId: string;
  /** A signal that is aborted when whoever sent it is gone before its answer. Missing where a request comes from within. */
  readonly whenGone?: (() => AbortSignal) | undefined;
}

export interface ArmReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A place in the body of a request that names another resource, and what the caller must be allowed to do with that resource. */
export interface LinkedProperty {
  /** Names with dots between; `name[]` stands for every element of a list, `name{}` for the names of an object's members. */
  readonly property: string;
  /** `Microsoft.ManagedIdentity/userAssignedIdentities/assign/action` */
  readonly action: string;
  /** The resource manager itself refuses what is no resource id there, showing this path; without it the provider does. */
  readonly invalidPath?: string;
}

/** One row per operation: dispatch, authorization, the provider list, the coverage page and the tests all read it. */
export interface ArmOperation {
  /** As in the official API description: `Clusters_Get`. */
  readonly id: string;
  readonly method: ArmMethod;
  /** Literal segments match without case and win over `{placeholders}`; `{scope}` at the start takes any resource or scope path. */
  readonly path: string;
  /** What the caller's role must allow at the scope of the path: `Microsoft.Kusto/clusters/read`; `null` for operations that any signed-in caller may use. */
  readonly action: string | null;
  /** Who may, where that is no matter of role assignments: asked instead of them, and refused in the same words. */
  readonly allows?: (caller: Caller) => Promise<boolean>;
  /** Checked before `handle` runs. Without it the handler checks the body itself, or ignores it. */
  readonly body?: { readonly schema: TSchema; readonly required: boolean };
  /** Checked before `handle` runs: resources that the body names. */
  readonly links?: readonly LinkedProperty[];
  /** What conditions of role assignments may look at. Where a row has it, the caller is authorized a second time, with it, once the body
   * has been checked; before that it need only be one who may yet be allowed. */
  readonly attributes?: (request: ArmRequest) => Promise<AccessAttributes>;
  /** Management locks do not hold it back: it changes locks. */
  readonly ignoresLocks?: true;
  /** Azure has it and Kustody has not: `handle` refuses it by name. */
  readonly notBuilt?: true;
  readonly handle: (request: ArmRequest) => Promise<ArmReply>;
}

/** A resource type as `GET /providers/{namespace}` lists it. */
export interface ArmResourceType {
  readonly resourceType: string;
  /** Newest first, previews after: clients take the first that is no preview. */
  readonly apiVersions: readonly string[];
  readonly locations: readonly string[];
}

export interface ArmProvider {
  /** `Microsoft.Kusto` */
  readonly namespace: string;
  readonly resourceTypes: readonly ArmResourceType[];
  readonly operations: readonly ArmOperation[];
  /** What a path with an encoded slash in a segment is answered with; `undefined`, as without this: 400 `InvalidRequestUri`. */
  readonly namedWithSlash?: (segments: readonly string[]) => ArmError | undefined;
  /** Deletes everything of this provider in a resource group that is being deleted, as a DELETE of each resource would.
   * Called again after a crash: what is gone already is no error.
   * @param groupId `/subscriptions/…/resourceGroups/…` in the casing that answers show */
  readonly deleteInGroup?: (groupId: string) => Promise<void>;
}
