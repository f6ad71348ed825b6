import type { AuditLog } from '../audit/audit-log.ts';
import { auditKeptMs } from '../audit/audit-log.ts';
import { instant } from '../clock/clock.ts';
import { auditedNameOf } from '../vault/audited-operation.ts';
import { adoptEarlierAudit } from './earlier-vault-audit.ts';
import type { ServerParts } from './server-parts.ts';
import { vaultResourceId } from './vault-inventory.ts';

const dayMs = 86_400_000;

/** Takes over what earlier versions recorded, notes how far the log has come, and removes each day what was kept for its time.
 * @returns stops it */
export async function startAuditUpkeep(
  { state, clocks, log }: Pick<ServerParts, 'state' | 'clocks' | 'log'>,
  audit: AuditLog,
): Promise<() => void> {
  await adoptEarlierAudit(state, audit, auditedNameOf, (name) => vaultResourceId(state, name));
  await audit.checkpoint();
  const trim = async (): Promise<void> => {
    try {
      if (!clocks.destructionHeld()) await audit.trim(instant(clocks.clock.now() - auditKeptMs));
    } catch (error) {
      log.failure('audit-not-pruned', error);
    }
  };
  void trim();
  return clocks.clock.every(dayMs, trim);
}
