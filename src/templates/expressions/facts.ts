import type { Json, JsonObject } from '../../base/json.ts';
import type { RuntimeNeed } from './template-error.ts';

/** Where a template is deployed. */
export interface DeploymentScope {
  readonly kind: 'resourceGroup' | 'subscription' | 'tenant';
  /** `/subscriptions/…/resourceGroups/…`, `/subscriptions/…`, or empty for the tenant. */
  readonly id: string;
}

/** How many parts of expressions may still be evaluated: loops in loops and lambdas in lambdas end somewhere. */
export interface EvaluationWork {
  left: number;
}

/** Far more than any template needs, and a second or two of the machine. */
export const evaluationMax = 1_000_000;

/** What is known before an expression is evaluated. */
export interface EvaluationFacts {
  readonly scope: DeploymentScope;
  readonly work: EvaluationWork;
  /** As `resourceGroup()`, `subscription()`, `tenant()` and `deployment()` show them; absent where the scope has none. */
  readonly resourceGroup?: JsonObject;
  readonly subscription?: JsonObject;
  readonly tenant: JsonObject;
  readonly deployment: JsonObject;
  readonly deployer: JsonObject;
  /** Milliseconds since 1970 for `utcNow()`. */
  readonly now: number;
  /** 16 bytes for each `newGuid()`. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Types that providers have: for `providers()` and `pickZones()`. */
  readonly resourceTypes: (namespace: string) => readonly {
    readonly resourceType: string;
    readonly locations: readonly string[];
    readonly apiVersions: readonly string[];
  }[];
  /** The resource in the same template with this symbolic name, or this name or id. */
  readonly resourceNamed: (text: string) => NamedResource | undefined;
  /** All instances of a loop, in order. */
  readonly resourcesOfLoop: (symbol: string) => readonly NamedResource[] | undefined;
  /** What has been asked of the running service. @returns undefined when it has not been asked yet */
  readonly answered: (need: RuntimeNeed) => { readonly value: Json } | undefined;
}

export interface NamedResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly apiVersion: string | undefined;
}
