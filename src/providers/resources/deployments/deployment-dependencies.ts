import type { ArmCalls } from '../../../arm/arm-calls.ts';
import type { ArmProvider } from '../../../arm/arm-operation.ts';
import type { Caller } from '../../../authz/caller.ts';
import { BoundedCache } from '../../../base/bounded-cache.ts';
import type { Guid } from '../../../base/guid.ts';
import type { JsonObject } from '../../../base/json.ts';
import type { RandomBytes } from '../../../base/random.ts';
import type { Clock } from '../../../clock/clock.ts';
import type { ReadJson } from '../../../http/outward-json.ts';
import type { State } from '../../../state/state.ts';
import type { TemplateEvaluator } from '../../../templates/thread/template-evaluator.ts';

export interface DeploymentDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Evaluates templates, off this thread where they are much work. */
  readonly templates: TemplateEvaluator;
  /** How a deployment makes its resources. */
  readonly calls: ArmCalls;
  /** Answers that are fetched with a later request: kept in memory, the latest. */
  readonly results: ResultCache;
  /** Hears what went wrong in a deployment that nobody waits for any more. */
  readonly onError: (error: unknown) => void;
  readonly describeTenant: (
    tenantId: Guid,
  ) => Promise<{ readonly displayName: string; readonly domains: readonly string[] } | undefined>;
  /** Reads a secret of a vault that a parameter refers to, if the vault and the caller's rights allow it. @throws ArmError */
  readonly readSecret: (reference: {
    readonly parameter: string;
    readonly vaultId: string;
    readonly secretName: string;
    readonly secretVersion?: string;
    readonly caller: Caller;
    readonly correlationId: string;
  }) => Promise<string>;
  /** Reads the JSON of a template or of parameters from a host that the user let through. @throws OutwardError */
  readonly readContent: ReadJson;
  /** Every provider but Microsoft.Resources. */
  readonly providers: readonly ArmProvider[];
}

/** What only its asker may have, as long as the request itself is allowed. */
interface KeptResult {
  readonly objectId: Guid;
  /** The request that it answers. */
  readonly path: string;
  readonly body: JsonObject;
}

type ResultCache = BoundedCache<KeptResult>;

/** Of the latest answers as many as fit. */
export const newResultCache = (): ResultCache =>
  new BoundedCache({
    countMax: 256,
    weight: { max: 64 * 1024 * 1024, of: (_, { body }) => JSON.stringify(body).length },
  });
