import type { JsonObject } from '../base/json.ts';
import { activityLogEvent } from './activity-log-event.ts';
import type { AuditEvent } from './audit-event.ts';
import { exportEvent } from './export-event.ts';
import { instanceCopyEvent } from './instance-copy-event.ts';
import { roleEvent } from './role-event.ts';
import { rootKeyEvent } from './root-key-event.ts';
import { vaultAuditEvent } from './vault-audit-event.ts';

/** In Azure's own schema: AuditEvent of Key Vault, or Administrative of the activity log. Roles and exports of the data plane have none
 * there, nor have copies of an instance and its root key. */
export function azureEvent(event: AuditEvent): JsonObject {
  const { facts } = event;
  if (facts.kind === 'role') return roleEvent(event, facts);
  if (facts.kind === 'export') return exportEvent(event, facts);
  if (facts.kind === 'instanceCopy') return instanceCopyEvent(event, facts);
  if (facts.kind === 'rootKey') return rootKeyEvent(event, facts);
  return facts.kind === 'vault' ? vaultAuditEvent(event, facts) : activityLogEvent(event, facts);
}
