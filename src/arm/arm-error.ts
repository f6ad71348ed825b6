import type { JsonObject } from '../base/json.ts';

/** One entry of `error.details`: the exact cause or the remedy. */
export type ArmErrorDetail = {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly ArmErrorDetail[];
};

/** An answer of the resource manager in its error shape: `{"error":{"code","message","target"?,"details"?}}`. Providers
 * throw it with a code from their own table of codes. */
export class ArmError extends Error {
  override readonly name = 'ArmError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: {
      readonly target?: string;
      readonly details?: readonly ArmErrorDetail[];
      readonly additionalInfo?: readonly JsonObject[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
  }
}
