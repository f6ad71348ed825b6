import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import type { Json } from '../base/json.ts';
import type { ArmOperation } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';

/** @throws ArmError 400 unless the body has the shape that the operation's row asks for */
export type BodyCheck = (operation: ArmOperation, body: Json | undefined) => void;

/** Compiles the schema of each row once, before the first request. */
export function createBodyCheck(operations: readonly ArmOperation[]): BodyCheck {
  const ajv = new Ajv({ strict: false, messages: true });
  const validators = new Map<ArmOperation, ValidateFunction>();
  for (const operation of operations) {
    if (operation.body !== undefined) validators.set(operation, ajv.compile(operation.body.schema));
  }
  return (operation, body) => {
    const validate = validators.get(operation);
    if (validate === undefined) return;
    if (body === undefined) {
      if (operation.body?.required === true) throw armErrors.MissingRequestContent();
      return;
    }
    if (!validate(body)) throw armErrors.InvalidRequestContent(explain(validate));
  };
}

/** Names the place and the rule, never the value that was sent. */
function explain(validate: ValidateFunction): string {
  const [error] = validate.errors ?? [];
  const path = (error?.instancePath ?? '').split('/').slice(1).join('.');
  return `${path === '' ? 'The body' : `The property '${path}'`} ${error?.message ?? 'has the wrong shape'}`;
}
