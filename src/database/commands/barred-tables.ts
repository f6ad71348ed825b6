import { externalTableOf, inlineExternalTableOf, isExternal } from '../../kql/plan/external-data.ts';
import { readEntities } from '../catalog/read-policies.ts';
import type { ClusterData } from '../cluster-data.ts';
import { ForbiddenError } from './forbidden-error.ts';

/** What a request is not to read, because its sender said so. @see Kusto "Client request properties" */
export interface Barred {
  /** `request_external_data_disabled`: neither `externaldata` nor external tables. */
  readonly externalData?: boolean;
  /** `request_external_table_disabled` */
  readonly externalTables?: boolean;
  /** `request_block_row_level_security` */
  readonly securedTables?: boolean;
}

/** @param table as a plan names it @throws ForbiddenError */
export function requireUnbarred(
  { externalData, externalTables, securedTables }: Barred,
  data: Pick<ClusterData, 'database'>,
  database: string,
  table: string,
): void {
  const refuse = (option: string, what: string): Error =>
    new ForbiddenError(`The request may not read ${what} (${option}).`);
  if (externalData && isExternal(table)) throw refuse('request_external_data_disabled', 'external data');
  const isTable = externalTableOf(table) !== undefined || inlineExternalTableOf(table) !== undefined;
  if (externalTables && isTable) throw refuse('request_external_table_disabled', 'external tables');
  if (!securedTables || isExternal(table)) return;
  const secured = readEntities(data.database(database), table).find(
    ({ policies }) => policies.row_level_security?.IsEnabled === true,
  );
  if (secured !== undefined)
    throw refuse('request_block_row_level_security', `'${secured.name}', which has row level security`);
}
