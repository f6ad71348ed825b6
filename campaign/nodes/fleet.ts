import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../../src/base/json.ts';
import { logFileName } from '../../src/http/log-file.ts';
import { readControlFile } from '../../src/server/control-file.ts';
import type { WayToAzurite } from '../../tests/support/azurite.ts';
import { startAzurite, startWayTo } from '../../tests/support/azurite.ts';
import type { StartedCommand } from '../../tests/support/kustody-command.ts';
import { startKustody, temporaryDirectory } from '../../tests/support/kustody-command.ts';
import type { Postgres } from '../../tests/support/postgres.ts';
import { databasePassword, makeSynchronous, startPostgres } from '../../tests/support/postgres.ts';
import { descendantsOf } from '../../tests/support/process-tree.ts';
import type { Target, TcpWay } from '../../tests/support/tcp-way.ts';
import { startTcpWay } from '../../tests/support/tcp-way.ts';

/** Longer than any run. */
const signedForMs = 24 * 3_600_000;

/** A Kustody of its own data directory, started again whenever it ends, as whatever looks after servers does. */
export class FleetNode {
  readonly dataDirectory: string;
  /** To the database, and to this node from those that pass on. */
  readonly database: TcpWay;
  readonly others: TcpWay;
  /** By which its requests for blobs are known. */
  readonly blobsMark: string;
  readonly #start: (more: readonly string[]) => StartedCommand;
  #running: StartedCommand | undefined;
  #isOver = false;
  /** It serves, or stands by and passes on. */
  isUp = false;
  /** When it began to serve, of the clock of `performance`; it may have been taken over from. */
  servesSince: number | undefined;
  /** What it said when it ended by itself, which is how one ends that was taken over from. */
  readonly ends: string[] = [];

  constructor(
    readonly name: string,
    dataDirectory: string,
    ways: { readonly database: TcpWay; readonly others: TcpWay; readonly blobsMark: string },
    start: (more: readonly string[]) => StartedCommand,
  ) {
    this.dataDirectory = dataDirectory;
    this.database = ways.database;
    this.others = ways.others;
    this.blobsMark = ways.blobsMark;
    this.#start = start;
  }

  get pid(): number {
    return this.#running?.process.pid ?? 0;
  }

  /** Where clients come to it, whether it serves or passes on. */
  get target(): Target | undefined {
    const port = readControlFile(this.dataDirectory)?.port ?? this.#standbyPort();
    return port === undefined ? undefined : { host: '127.0.0.1', port };
  }

  run(...more: readonly string[]): void {
    const running = this.#start(['--standby', ...more]);
    this.#running = running;
    running.printed('Stop with').then(
      () => {
        this.servesSince = performance.now();
        this.isUp = true;
      },
      () => undefined, // it is started again
    );
    running.printed('are passed on').then(
      () => (this.isUp = true),
      () => undefined,
    );
    void running.result.then(({ code, signal, stderr }) => {
      this.isUp = false;
      this.servesSince = undefined;
      if (this.#isOver) return;
      if (signal !== 'SIGKILL') this.ends.push(stderr.trim() || `code ${String(code)}`);
      this.run();
    });
  }

  /** What did not close in time, each time. */
  leftBehind(): readonly string[] {
    return this.#log().flatMap((line) => /"part":"([^"]*)".*"msg":"close-late"/.exec(line)?.[1] ?? []);
  }

  /** The end of its log, and the processes that it has. */
  lastSaid(): string {
    const lines = this.#log();
    const processes = [this.pid, ...descendantsOf(this.pid)].map((pid) => `process ${pid}: ${stateOf(pid)}`);
    return [...lines.slice(-20), ...processes].join('\n');
  }

  /** To all its processes. */
  signal(signal: NodeJS.Signals): void {
    for (const pid of [...descendantsOf(this.pid), this.pid]) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended.
      }
    }
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.#running?.result;
    this.database.close();
    this.others.close();
  }

  #log(): readonly string[] {
    return readFileSync(join(this.dataDirectory, logFileName), 'utf8').trim().split('\n');
  }

  #standbyPort(): number | undefined {
    const file = join(this.dataDirectory, 'standby.json');
    try {
      const said: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
      return isJsonObject(said) ? Number(said['port']) : undefined;
    } catch {
      return undefined;
    }
  }
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(1, 4).join(' ');
  } catch {
    return 'gone';
  }
}

export interface Fleet extends AsyncDisposable {
  readonly nodes: readonly FleetNode[];
  /** The last one that began to. */
  readonly serving: FleetNode;
  /** The primary. */
  readonly postgres: Postgres;
  readonly blobs: WayToAzurite;
  /** The primary is gone for good, its synchronous standby takes over, and gets one of its own. */
  failOver(): Promise<void>;
  /** Leads each connection to another node. */
  readonly balancer: TcpWay;
}

/** Three nodes over one PostgreSQL and one Azurite, with a way of the campaign's own wherever something can be cut off. Nothing
 * runs yet. */
export async function openFleet(): Promise<Fleet> {
  const directory = temporaryDirectory();
  const [first, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  let primary = first;
  let standby = await primary.standby();
  await makeSynchronous(primary);
  const blobs = await startWayTo(azurite);
  const container = (await azurite.newContainer()).replace(/\?.*/, '').replace(azurite.endpoint, blobs.endpoint);
  const secrets = { KUSTODY_ROOT_KEY: 'ab'.repeat(32), PGPASSWORD: databasePassword };
  const nodes: FleetNode[] = [];
  for (const [index, name] of ['east', 'west', 'south'].entries()) {
    const database = await startTcpWay(() => [{ host: '127.0.0.1', port: primary.port }]);
    const signature = await azurite.signature(container, signedForMs + index * 60_000);
    const CONNECTION = `BlobEndpoint=${blobs.endpoint};SharedAccessSignature=${signature}`;
    const blobsMark = /sig=[^&]*/.exec(signature)?.[0] ?? '';
    // A node listens for others at the port that it tells them, on the address where it listens; they come by another one of this machine.
    const host = `127.0.0.${index + 2}`;
    const others: TcpWay = await startTcpWay(() => [{ host: '127.0.0.1', port: others.port }], host);
    const dataDirectory = join(directory.path, name);
    const args = [
      ...['up', '--data', dataDirectory, '--state', primary.url('fleet', database.port)],
      ...['--blobs', container, '--blobs-credential', 'env:CONNECTION', '--log-level', 'silent'],
      ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', `${host}:${others.port}`],
    ];
    nodes.push(
      new FleetNode(name, dataDirectory, { database, others, blobsMark }, (more) =>
        startKustody([...args, ...more], { ...secrets, CONNECTION }),
      ),
    );
  }
  let turn = 0;
  const balancer = await startTcpWay(() => {
    const known = nodes.flatMap(({ target }) => target ?? []);
    turn += 1;
    return [...known.slice(turn % known.length), ...known.slice(0, turn % known.length)];
  });
  return {
    ...{ nodes, blobs, balancer },
    get postgres() {
      return primary;
    },
    async failOver() {
      await primary.stop();
      await standby.promote();
      primary = standby;
      standby = await primary.standby();
      await makeSynchronous(primary);
    },
    get serving() {
      return nodes.toSorted((left, right) => (right.servesSince ?? 0) - (left.servesSince ?? 0))[0] as FleetNode;
    },
    [Symbol.asyncDispose]: async () => {
      balancer.close();
      await Promise.all(nodes.map((node) => node.close()));
      blobs.close();
      await Promise.all([primary.stop(), standby.stop(), azurite.stop()]);
      directory[Symbol.dispose]();
    },
  };
}
