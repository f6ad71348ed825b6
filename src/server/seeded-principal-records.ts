import type { Json } from '../base/json.ts';
import { recordFields } from '../identity/record-fields.ts';
import type { Table } from '../state/state.ts';
import type { SeededPrincipal } from './instance-environment.ts';

/** By name, in lower case. How they sign in is kept as the instance's own secret is: in a sealed record, for whoever holds the control
 * token. Nothing asks it whether somebody may do something. */
export const seededPrincipalTable: Table<SeededPrincipal> = { name: 'seededPrincipal', parse: parseRecord };

function parseRecord(value: Json): SeededPrincipal {
  const fields = recordFields(value, seededPrincipalTable.name, 1);
  const type = fields.text('type');
  const optional = (name: 'clientId' | 'userPrincipalName' | 'secret'): Partial<SeededPrincipal> => {
    const held = fields.optionalText(name);
    return held === undefined ? {} : { [name]: held };
  };
  return {
    ...{ name: fields.text('name'), objectId: fields.guid('objectId') },
    type: type === 'User' || type === 'Group' ? type : 'ServicePrincipal',
    ...{ ...optional('clientId'), ...optional('userPrincipalName'), ...optional('secret') },
  };
}
