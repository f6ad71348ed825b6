import { defaultKeySettings, anyLoopbackPort } from '../../src/server/settings.ts';
import type { ServerScripts } from '../../src/server/settings.ts';
import { startServer } from '../../src/server/start-server.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { formatsAhead } from './later-formats.ts';
import { databasePassword } from './postgres.ts';

/** What a node of a version is started with, as the JSON of its only argument. */
export interface UpgradingNode {
  readonly dataDirectory: string;
  /** How many formats its version is ahead of this one. */
  readonly ahead: number;
  /** Of a state in PostgreSQL, with blobs elsewhere. */
  readonly shared?: { readonly state: string; readonly blobs: string };
  readonly scripts: ServerScripts;
}

/** What it tells: where it stands by, serves, or is not ready. */
export type NodeTold =
  | { readonly kind: 'standsBy' | 'serves' | 'ended' }
  | { readonly kind: 'unready'; readonly why: string; readonly port: number }
  | { readonly kind: 'failed'; readonly name: string };

const { dataDirectory, ahead, shared, scripts } = JSON.parse(process.argv[2] ?? '') as UpgradingNode;
const tell = (told: NodeTold): void => void process.send?.(told);
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
try {
  const server = await startServer({
    ...{ dataDirectory, listen: anyLoopbackPort, proxy: anyLoopbackPort, kusto: anyLoopbackPort },
    ...{ allowRemote: false, allowedHosts: [], virtualTime: false, keys: defaultKeySettings, stopGraceMs: 0 },
    log: { level: 'warn', destination: process.stderr },
    ...{ scripts, stateFormats: formatsAhead(ahead), stop: stop.signal },
    onStandBy: () => tell({ kind: 'standsBy' }),
    onUnready: (why, port) => tell({ kind: 'unready', why, port }),
    ...(shared && {
      rootKey: new RootKey(Buffer.alloc(32, 7)),
      statePlace: {
        ...{ address: parsePostgresAddress(shared.state), password: () => databasePassword, standsBy: true },
      },
      blobs: { container: shared.blobs },
    }),
  });
  tell({ kind: 'serves' });
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  await server.close();
  tell({ kind: 'ended' });
} catch (error) {
  tell({ kind: 'failed', name: error instanceof Error ? error.name : String(error) });
}
process.disconnect();
