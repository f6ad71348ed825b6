import type { FunctionCases } from './case-rows.ts';

export const contextCases: FunctionCases = {
  current_database: ['current_database()'],
  current_cluster_endpoint: ['current_cluster_endpoint()'],
  current_principal: ['current_principal()'],
  current_principal_is_member_of: ['current_principal_is_member_of("aadgroup=00000000-0000-0000-0000-000000000001")'],
  current_principal_details: ['current_principal_details()'],
  cursor_current: ['cursor_current()'],
  current_cursor: ['current_cursor()'],
  cursor_after: ['cursor_after("")', 'cursor_after("636040929866477946")'],
  cursor_before_or_at: ['cursor_before_or_at("636040929866477946")'],
  new_guid: ['strlen(tostring(new_guid()))'],
};
