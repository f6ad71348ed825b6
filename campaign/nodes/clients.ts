import { Agent, request } from 'node:https';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import type { Json } from '../../src/base/json.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { localToken } from '../../src/server/local-client.ts';
import { parseJsonBody, sendLocal } from '../../src/server/local-request.ts';
import type { Seeded } from '../../src/server/seed.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Action, Operation } from '../../tests/support/history/history.ts';
import type { Random } from './random.ts';
import type { RunningTime } from './running-time.ts';

/** Nobody waits longer for an answer, on a machine that has nothing else to do. */
const patienceMs = 6_000;
const saidMax = 60;
export const tables = ['Chaos0', 'Chaos1', 'Chaos2'] as const;
export const registers = ['Register0', 'Register1'] as const;

interface Answer {
  readonly status: number;
  readonly body: string;
}
type Ask = () => Promise<Answer>;

/** Who talks to the cluster and to its vault, through one port, and writes down what was asked and answered. */
export class Clients {
  readonly history: Operation[] = [];
  readonly #environment: InstanceEnvironment;
  readonly #seeded: Seeded;
  readonly #tokens: Readonly<Record<'kusto' | 'vault' | 'arm', string>>;
  readonly #time: RunningTime;
  /** What was answered of late, for people. */
  readonly #said: string[] = [];
  #rows = 0;

  private constructor(
    environment: InstanceEnvironment,
    seeded: Seeded,
    tokens: Readonly<Record<'kusto' | 'vault' | 'arm', string>>,
    time: RunningTime,
  ) {
    this.#environment = environment;
    this.#seeded = seeded;
    this.#tokens = tokens;
    this.#time = time;
  }

  static async open(environment: InstanceEnvironment, seeded: Seeded, time: RunningTime): Promise<Clients> {
    const [kusto, vault, arm] = await Promise.all([
      localToken(environment, 'https://kusto.kusto.windows.net'),
      localToken(environment, 'https://vault.azure.net'),
      localToken(environment, 'https://management.azure.com'),
    ]);
    return new Clients(environment, seeded, { kusto, vault, arm }, time);
  }

  /** One operation after the other, until it is told to stop. */
  async work(client: string, random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const chance = random.below(100);
      const table = random.of(tables);
      const register = random.of(registers);
      const isTaken =
        chance < 45
          ? await this.ingest(client, table, 1 + random.below(4), chance < 15)
          : chance < 65
            ? await this.read(client, table)
            : chance < 80
              ? await this.put(client, register)
              : await this.get(client, register);
      await pause(random.below(isTaken ? 40 : 400));
    }
  }

  /** @param asExtent by a command, which seals a blob, instead of by streaming, which adds to a log */
  async ingest(client: string, table: string, count: number, asExtent = false): Promise<boolean> {
    const rows = this.#newRows(count);
    const list = rows.map((row) => `"${row}"`).join(', ');
    const command = `.set-or-append ${table} <| datatable(Id: string)[${list}]`;
    const ask = asExtent ? this.#command('mgmt', command) : this.#stream(table, rows);
    return (await this.#record(client, { kind: 'ingest', table, rows }, ask)).outcome === 'ok';
  }

  async read(client: string, table: string): Promise<boolean> {
    const ask = this.#command('query', table);
    const action: Action = { kind: 'read', table, rows: [] };
    return (await this.#record(client, action, ask, (rows) => ({ ...action, rows: texts(rows) }))).outcome === 'ok';
  }

  async put(client: string, register: string): Promise<boolean> {
    const [value = ''] = this.#newRows(1);
    return (await this.#record(client, { kind: 'put', register, value }, this.#put(register, value))).outcome === 'ok';
  }

  async get(client: string, register: string): Promise<boolean> {
    const action: Action = { kind: 'get', register, value: '' };
    const seen = (rows: unknown[][]): Action => ({ ...action, value: texts(rows)[0] ?? '' });
    return (await this.#record(client, action, this.#command('query', `${register}()`), seen)).outcome === 'ok';
  }

  /** Takes the key away from the cluster, or gives it back. */
  async access(client: string, kind: 'revoke' | 'restore'): Promise<boolean> {
    const publicNetworkAccess = kind === 'revoke' ? 'Disabled' : 'Enabled';
    const ask = this.#send('management.azure.com', this.#tokens.arm, 'PATCH', this.#vaultPath, {
      properties: { publicNetworkAccess },
    });
    return (await this.#record(client, { kind }, ask)).outcome === 'ok';
  }

  async rotate(client: string): Promise<boolean> {
    const { vaultUri = '', keyName = '' } = this.#seeded;
    const path = `/keys/${keyName}/create?api-version=7.4`;
    const ask = this.#send(new URL(vaultUri).hostname, this.#tokens.vault, 'POST', path, {
      kty: 'RSA',
      key_size: 2048,
    });
    return (await this.#record(client, { kind: 'rotate' }, ask)).outcome === 'ok';
  }

  /** @throws Error unless it is taken */
  async setUp(): Promise<void> {
    const commands = tables.map((table) => this.#command('mgmt', `.create table ${table} (Id: string)`));
    for (const ask of [...commands, ...registers.map((register) => this.#put(register, ''))]) {
      const { status, body } = await ask();
      if (status !== 200) throw new Error(`It was not set up: ${status} ${body}`);
    }
  }

  /** A connection of its own to the process of the cluster at a node, without detour. @returns what asks on it, one after the other */
  async keptConnection(port: number) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: this.#environment.caCertificate });
    const host = this.#clusterHost;
    const ask = async (path: string, body: string, type: string): Promise<Answer> => {
      const asked = request({
        ...{ agent, host: '127.0.0.1', port, servername: host, method: 'POST', path },
        headers: {
          host,
          authorization: `Bearer ${this.#tokens.kusto}`,
          'content-type': type,
          accept: 'application/json',
        },
      });
      asked.end(body);
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return { status: answer.statusCode ?? 0, body: await text(answer) };
    };
    const query = (csl: string) => ask('/v1/rest/query', bodyOf(csl), 'application/json');
    const { status } = await query('print 1');
    return {
      isOpen: status === 200,
      close: () => agent.destroy(),
      read: async (client: string, table: string): Promise<void> => {
        const action: Action = { kind: 'read', table, rows: [] };
        await this.#record(
          client,
          action,
          () => query(table),
          (rows) => ({ ...action, rows: texts(rows) }),
        );
      },
      ingestLate: async (client: string, table: string): Promise<void> => {
        const rows = this.#newRows(2);
        const action: Action = { kind: 'ingest', table, rows, late: true };
        await this.#record(client, action, () => ask(streamPath(table), `${rows.join('\n')}\n`, 'text/csv'));
      },
    };
  }

  async #record(
    client: string,
    action: Action,
    ask: Ask,
    seen: (rows: unknown[][]) => Action = () => action,
  ): Promise<Operation> {
    const began = performance.now();
    let failure = '';
    const answer = await ask().catch((error: unknown) => {
      failure = error instanceof Error ? `${error.name} ${error.message}` : String(error);
      return undefined;
    });
    const ended = performance.now();
    const said = answer === undefined ? failure : `${answer.status} ${answer.status < 300 ? '' : answer.body}`;
    this.#say(`${began.toFixed(0)} to ${ended.toFixed(0)}: ${client} ${action.kind}: ${said}`);
    const isRead = action.kind === 'read' || action.kind === 'get';
    const rows = isRead && answer?.status === 200 ? rowsOf(answer.body) : undefined;
    const told =
      answer === undefined ? 'unknown' : answer.status < 300 ? 'ok' : answer.status < 500 ? 'fail' : 'unknown';
    const outcome = isRead ? (rows === undefined ? 'fail' : 'ok') : told;
    const operation = { ...(rows === undefined ? action : seen(rows)), client, began, ended, outcome } as Operation;
    this.history.push(operation);
    return operation;
  }

  /** What was asked and answered last, one a line. */
  lastSaid(): string {
    return [`now ${performance.now().toFixed(0)}`, ...this.#said].join('\n');
  }

  #say(text: string): void {
    this.#said.push(text.slice(0, 200));
    if (this.#said.length > saidMax) this.#said.shift();
  }

  #newRows(count: number): readonly string[] {
    return Array.from({ length: count }, () => `r${(this.#rows += 1)}`);
  }

  get #clusterHost(): string {
    return new URL(this.#seeded.clusterUri).hostname;
  }

  get #vaultPath(): string {
    const [name = ''] = new URL(this.#seeded.vaultUri ?? '').hostname.split('.');
    const group = `/subscriptions/${this.#environment.subscriptionId}/resourceGroups/${defaultSeed.resourceGroup}`;
    return `${group}/providers/Microsoft.KeyVault/vaults/${name}?api-version=2023-07-01`;
  }

  #put(register: string, value: string): Ask {
    return this.#command('mgmt', `.create-or-alter function ${register}() { print V = "${value}" }`);
  }

  #command(kind: 'mgmt' | 'query', csl: string): Ask {
    return this.#send(this.#clusterHost, this.#tokens.kusto, 'POST', `/v1/rest/${kind}`, bodyOf(csl));
  }

  #stream(table: string, rows: readonly string[]): Ask {
    return this.#send(this.#clusterHost, this.#tokens.kusto, 'POST', streamPath(table), `${rows.join('\n')}\n`);
  }

  #send(host: string, token: string, method: string, path: string, body: Json): Ask {
    const isText = typeof body === 'string';
    return async () => {
      const { port, caCertificate: ca } = this.#environment;
      const answer = await sendLocal(
        { address: '127.0.0.1', port, ca },
        {
          ...{
            host,
            method,
            path,
            timeoutMs: Math.round(this.#time.stretched(patienceMs)),
            answerBytesMax: 64 * 1024 * 1024,
          },
          headers: {
            ...{ accept: 'application/json', authorization: `Bearer ${token}` },
            'content-type': path.includes('/ingest/') ? 'text/csv' : 'application/json',
          },
          body: Buffer.from(isText ? body : JSON.stringify(body)),
        },
      );
      return { status: answer.status, body: answer.body.toString() };
    };
  }
}

const bodyOf = (csl: string): string => JSON.stringify({ db: defaultSeed.database, csl });
const streamPath = (table: string): string => `/v1/rest/ingest/${defaultSeed.database}/${table}?streamFormat=csv`;
const texts = (rows: unknown[][]): readonly string[] => rows.map(([value]) => String(value));

/** @returns undefined: the answer is not whole */
function rowsOf(body: string): unknown[][] | undefined {
  const value = parseJsonBody(Buffer.from(body)) as
    { Tables?: { Rows: unknown[][] }[]; Exceptions?: unknown } | undefined;
  return value?.Exceptions === undefined ? value?.Tables?.[0]?.Rows : undefined;
}
