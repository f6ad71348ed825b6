import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import type { Json } from '../base/json.ts';
import type { ArmOperation } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';

/** @throws ArmError 400 unless the body has the shape that the operation's row asks for */
export type BodyCheck = (operation: ArmOperation, body: Json | undefined) => void;

/** Compiles the schema of a row before its first request: some hundred at once would be a third of the time until a server answers. */
export function createBodyCheck(): BodyCheck {
  const ajv = new Ajv({ strict: false, messages: true });
  return ({ body: row }, body) => {
    if (row === undefined) return;
    if (body === undefined) {
      if (row.required) throw armErrors.MissingRequestContent();
      return;
    }
    const validate = ajv.compile(row.schema); // it keeps what it compiled
    if (!validate(body)) throw armErrors.InvalidRequestContent(explain(validate));
  };
}

/** Names the place and the rule, never the value that was sent. */
function explain(validate: ValidateFunction): string {
  const [error] = validate.errors ?? [];
  const path = (error?.instancePath ?? '').split('/').slice(1).join('.');
  return `${path === '' ? 'The body' : `The property '${path}'`} ${error?.message ?? 'has the wrong shape'}`;
}
