import { idle } from './idle.ts';
import { load } from './load.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { kills } from './kills/kills.ts';
import { nodes } from './nodes/nodes.ts';
import { powerLoss } from './power-loss/power-loss.ts';
import { revocation } from './revocation.ts';

/** `npm run campaign [-- PART…]`: proves promises by measurement, in the real server with real processes. Exit code 1 when one does not hold. */
const parts: readonly CampaignPart[] = [revocation, kills, powerLoss, load, idle, nodes];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((id) => !parts.some((part) => part.id === id));
if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(', ')}. There are: ${parts.map(({ id }) => id).join(', ')}.\n`);
  process.exit(2);
}

let isMissed = false;
for (const part of parts.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
  process.stdout.write(`\n${part.id}: ${part.promise}\n`);
  const started = performance.now();
  const { figures, missed, skipped } = await resultOf(part);
  for (const line of figures) process.stdout.write(`  ${line}\n`);
  for (const line of missed) process.stdout.write(`  MISSED ${line}\n`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const outcome = missed.length > 0 ? 'DOES NOT HOLD' : skipped === undefined ? 'holds' : `skipped: ${skipped}`;
  process.stdout.write(`  ${outcome} (${seconds} s)\n`);
  isMissed ||= missed.length > 0;
}
process.exitCode = isMissed ? 1 : 0;

async function resultOf(part: CampaignPart): Promise<PartResult> {
  try {
    return await part.run((line) => process.stderr.write(`  ${line}\n`));
  } catch (error) {
    return { figures: [], missed: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
}
