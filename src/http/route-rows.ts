import type { TSchema } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { invariant } from '../base/invariant.ts';

/** A route that programs may use, as docs/api.md and docs/openapi.json tell it. */
export interface RouteRow {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'ANY';
  /** As the app has it: `/clusters/:cluster/extents/:extent`. */
  readonly path: string;
  readonly says: string;
  /** `session`: sessions of the portal, and the holder of the control token. `token`: that holder alone. `page`: the portal's page alone. */
  readonly access: 'anybody' | 'session' | 'token' | 'page';
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: TSchema;
  /** Absent: nothing, or what is no JSON. */
  readonly answer?: TSchema;
  /** Default 200. */
  readonly status?: number;
  /** Of an answer that is no JSON. */
  readonly mediaType?: string;
  /** Beside those that every route has. */
  readonly errors?: Readonly<Record<string, number>>;
}

/** From here on the app takes routes that have a row, and no others. @returns what says that every row has become a route */
export function holdToRows(app: FastifyInstance, rows: readonly RouteRow[]): () => void {
  const known = new Set(rows.map(routeOf));
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat())
      invariant(
        one === 'HEAD' || known.has(`${one} ${url}`) || known.has(`ANY ${url}`),
        `the route ${one} ${url} has a row`,
      );
  });
  return () => {
    for (const { method, path } of rows)
      invariant(
        app.hasRoute({ method: method === 'ANY' ? 'POST' : method, url: path }),
        `${method} ${path} is a route`,
      );
  };
}

export const routeOf = ({ method, path }: Pick<RouteRow, 'method' | 'path'>): string => `${method} ${path}`;
