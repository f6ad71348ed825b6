import type { FastifyInstance, FastifyRequest } from 'fastify';
import { timingSafeEqual, createHash } from 'node:crypto';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { toIso } from '../clock/clock.ts';
import { createControlApp } from '../http/control-app.ts';
import type { RouteRow } from '../http/route-rows.ts';
import { holdToRows } from '../http/route-rows.ts';
import type { Log } from '../http/logging.ts';
import type { PlaneAnswer } from '../http/plane-failure.ts';
import type { Plane } from '../http/plane.ts';
import { renderError as renderPortalError } from '../portal/portal-plane.ts';
import type { ReadinessPorts } from './readiness.ts';
import type { BlobsElsewhere } from './blobs-owner.ts';
import { createReadiness } from './readiness.ts';
import { startSystemTimer } from '../http/timer.ts';
import type { RefusedHosts } from '../http/refused-hosts.ts';
import type { StateShown } from './state-place.ts';
import type { ServerPorts } from './settings.ts';
import type { ClockReading, Clocks } from './clocks.ts';
import { ClockAheadError } from './clocks.ts';
import type { Faults } from './faults.ts';
import type { InstanceEnvironment } from './instance-environment.ts';

/** A refusal of the control API: `{"error":{"code","message"}}`, like the resource manager. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface CheckedKey extends KeyStanding {
  readonly clusterId: string;
  readonly resourceId: string;
  readonly custody: 'microsoftManaged' | 'customer';
  /** Those that have keys of their own; missing where none has. */
  readonly databases?: readonly (KeyStanding & { readonly name: string })[];
}

interface KeyStanding {
  readonly kid: string;
  /** Its key is in a vault outside of this Kustody. */
  readonly outsideVault: boolean;
  readonly suspended: boolean;
  readonly reason?: string;
  readonly warning?: string;
}

export interface ControlPorts {
  readonly token: string;
  readonly version: string;
  readonly clocks: Clocks;
  readonly faults: Faults;
  readonly log: Log;
  readonly ports: () => ServerPorts;
  readonly refusedHosts: RefusedHosts;
  /** Of a state that is not in the data directory. */
  readonly stateShown: () => Promise<StateShown | undefined>;
  /** Of sealed extents that are not in the data directory. */
  readonly blobs: BlobsElsewhere | undefined;
  /** Everything that a start does is done, its seed too, and no stop has begun. */
  readonly serves: () => boolean;
  readonly checkState: ReadinessPorts['checkState'];
  readonly environment: () => Promise<InstanceEnvironment>;
  readonly checkKeys: () => Promise<readonly CheckedKey[]>;
  /** After purges are no longer held, or the clock was moved. */
  readonly clockMoved: () => Promise<void>;
  /** Whether a request without the token may have what it asks for all the same. @throws what says why not */
  readonly admits: (request: FastifyRequest) => boolean;
  /** What the routes of all parts are: there are no others, and none is missing. */
  readonly rows: readonly RouteRow[];
  /** Further routes of other parts, under the same token. */
  readonly routes: readonly ((app: FastifyInstance) => void)[];
}

/** The control API on `https://localhost:{port}`: clock, keys, faults, environment. Everything but `/healthz` and `/readyz` needs the control token. */
export function createControlPlane(ports: ControlPorts): Plane {
  const { app, toPlane } = createControlApp({
    name: 'control',
    log: ports.log,
    bodyBytesMax: 64 * 1024,
    authenticate: (request) => {
      if (request.headers.authorization !== undefined || !ports.admits(request)) requireToken(request, ports.token);
    },
    renderError: (error) =>
      error instanceof ControlError ? answer(error.status, error.code, error.message) : renderPortalError(error),
    renderFailure: (failure) => answer(failure.status, failure.kind, failure.text),
  });
  const requireAll = holdToRows(app, ports.rows);
  addStatusRoutes(app, ports);
  addClockRoutes(app, ports);
  addFaultRoutes(app, ports.faults);
  for (const add of ports.routes) add(app);
  requireAll();
  return toPlane((host) => (host === 'localhost' ? 'serve' : undefined));
}

const answer = (status: number, code: string, message: string): PlaneAnswer => ({
  status,
  body: { error: { code, message } },
});

function requireToken(request: FastifyRequest, token: string): void {
  const sent = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (sent === undefined || !timingSafeEqual(digest(sent), digest(token))) {
    throw new ControlError(
      401,
      'Unauthorized',
      'The control API needs the token of control.json in the data directory.',
    );
  }
}

function addStatusRoutes(app: FastifyInstance, ports: ControlPorts): void {
  app.get('/status', async () => {
    const state = await ports.stateShown();
    return {
      ...{ version: ports.version, pid: process.pid, ...ports.ports() },
      clock: readingOf(ports.clocks.read()),
      ...(state === undefined ? {} : { state }),
      ...(ports.blobs === undefined ? {} : { blobs: { address: ports.blobs.address } }),
      refusedHosts: ports.refusedHosts.list(),
    };
  });
  const clockAgrees = (): boolean => !ports.clocks.ofDatabase.differs;
  const checkBlobs = ports.blobs?.check;
  const ready = createReadiness({ ...ports, clockAgrees, checkBlobs, startTimer: startSystemTimer });
  app.get('/readyz', async (_, reply) => {
    const readiness = await ready();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/environment', () => ports.environment());
  app.post('/check-keys', async () => ({ clusters: await ports.checkKeys() }));
}

function addClockRoutes(app: FastifyInstance, { clocks, clockMoved }: ControlPorts): void {
  const virtual = () => {
    if (clocks.virtual === undefined) {
      throw new ControlError(
        409,
        'RealClock',
        'The clock of this data directory is the real one. Virtual time needs a directory made for it: kustody up --virtual-time, or kustody run without --data.',
      );
    }
    return clocks.virtual;
  };
  const reading = () => readingOf(clocks.read());
  app.get('/clock', reading);
  app.post<{ Body: Json | undefined }>('/clock/advance', async (request) => {
    const seconds = isJsonObject(request.body) ? request.body['seconds'] : undefined;
    if (typeof seconds !== 'number' || !(seconds >= 0) || seconds > 200 * 366 * 86_400) {
      throw new ControlError(400, 'InvalidDuration', 'Give {"seconds": n}: forward, at most 200 years.');
    }
    await virtual().advance(Math.round(seconds * 1000));
    await clockMoved();
    return reading();
  });
  app.post('/clock/freeze', async () => {
    await virtual().freeze();
    return reading();
  });
  app.post('/clock/resume', async () => {
    await virtual().resume();
    return reading();
  });
  app.post('/clock/accept', async () => {
    await clocks.accept().catch((error: unknown) => {
      throw error instanceof ClockAheadError ? new ControlError(409, 'ClockAhead', error.message) : error;
    });
    await clockMoved();
    return reading();
  });
}

function addFaultRoutes(app: FastifyInstance, faults: Faults): void {
  app.get('/faults', () => ({ faults: faults.list() }));
  app.post<{ Body: Json }>('/faults', async (request) => {
    const stored = await faults.add(request.body);
    if (stored === undefined) throw new ControlError(400, 'InvalidFault', 'This is no fault rule that Kustody knows.');
    return stored;
  });
  app.delete('/faults', async () => {
    await faults.clear();
    return { faults: [] };
  });
}

const readingOf = (reading: ClockReading) => ({
  now: toIso(reading.now),
  virtual: reading.virtual,
  frozen: reading.frozen,
  aheadSeconds: reading.aheadMs / 1000,
  unaccountedSeconds: reading.unaccountedMs / 1000,
  ...(reading.databaseErrorMs === undefined ? {} : { databaseErrorSeconds: reading.databaseErrorMs / 1000 }),
  ...(reading.heldJump === undefined
    ? {}
    : { heldJump: { from: toIso(reading.heldJump.from), to: toIso(reading.heldJump.to) } }),
});
