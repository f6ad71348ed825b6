import type { AuditLog } from '../audit/audit-log.ts';
import { auditKeptMs } from '../audit/audit-log.ts';
import { instant } from '../clock/clock.ts';
import { auditedNameOf } from '../vault/audited-operation.ts';
import { adoptEarlierAudit } from './earlier-vault-audit.ts';
import type { ServerParts } from './server-parts.ts';
import { vaultResourceId } from './vault-inventory.ts';

const hourMs = 3_600_000;

/** Takes over what earlier versions recorded. Notes how far the log has come, now and each hour, and removes what was kept for its time.
 * @returns stops it */
export async function startAuditUpkeep(
  { state, clocks, log }: Pick<ServerParts, 'state' | 'clocks' | 'log'>,
  audit: AuditLog,
): Promise<() => void> {
  await adoptEarlierAudit(state, audit, auditedNameOf, (name) => vaultResourceId(state, name));
  await audit.checkpoint();
  const keepUp = async (): Promise<void> => {
    try {
      await audit.checkpoint();
      if (!clocks.destructionHeld()) await audit.trim(instant(clocks.clock.now() - auditKeptMs));
    } catch (error) {
      log.failure('audit-not-kept-up', error);
    }
  };
  void keepUp();
  return clocks.clock.every(hourMs, keepUp);
}
