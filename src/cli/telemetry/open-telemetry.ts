import { machineTime } from '../../clock/host-time.ts';
import { startSystemTimer } from '../../http/timer.ts';
import type { Telemetry } from '../../server/telemetry.ts';
import { telemetrySettings } from './telemetry-settings.ts';

/** Where the standard variables want traces and metrics to go. The packages for it are loaded only then.
 * @returns undefined: nowhere @throws TelemetryError */
export async function openTelemetry(env: NodeJS.ProcessEnv): Promise<Telemetry | undefined> {
  const settings = telemetrySettings(env);
  if (settings === undefined) return undefined;
  const { openOtlp } = await import('./otlp.ts');
  return openOtlp({ settings, wallMs: () => machineTime.now(), startTimer: startSystemTimer });
}
