import type { FunctionCases } from './case-rows.ts';

export const contextCases: FunctionCases = {
  current_database: ['current_database()'],
  current_cluster_endpoint: ['current_cluster_endpoint()'],
  current_principal: ['current_principal()'],
  current_principal_is_member_of: ['current_principal_is_member_of("aadgroup=00000000-0000-0000-0000-000000000001")'],
  new_guid: ['strlen(tostring(new_guid()))'],
};
