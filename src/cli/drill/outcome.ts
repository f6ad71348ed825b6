import { isJsonObject } from '../../base/json.ts';
import type { DrillAnswer } from './drill-instance.ts';

/** What became of one request. `cutOff`: it had begun and did not come to its end. */
export interface Outcome {
  readonly kind: 'served' | 'refused' | 'cutOff';
  /** The service's own name of the refusal. */
  readonly error?: string;
  readonly status?: number;
  readonly message?: string;
}

export const served: Outcome = { kind: 'served' };

/** Reads Kusto's, Key Vault's and the resource manager's errors alike. */
export function outcomeOf({ status, value }: DrillAnswer): Outcome {
  if (status >= 200 && status < 300) return served;
  const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : {};
  return { ...refusal(error['code'], error['@message'] ?? error['message']), status };
}

export function refusal(code: unknown, message: unknown): Outcome {
  return {
    kind: 'refused',
    error: typeof code === 'string' ? code : 'none',
    ...(typeof message === 'string' ? { message } : {}),
  };
}

/** @throws Error with the service's own words */
export function required(answer: DrillAnswer): DrillAnswer {
  const { kind, error, message } = outcomeOf(answer);
  if (kind === 'served') return answer;
  throw new Error(`${error ?? answer.status}: ${message ?? 'refused'}`);
}
