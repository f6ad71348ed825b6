import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { holdToRows } from './route-rows.ts';

const row = (method: 'GET' | 'ANY', path: string) => ({ method, path, says: 'x', access: 'token' }) as const;
const handler = (): string => 'x';

describe('an app that is held to rows', () => {
  it('takes the routes that have one, and no others', () => {
    const app = fastify();
    const requireAll = holdToRows(app, [row('GET', '/a'), row('ANY', '/b/*')]);
    app.get('/a', handler).all('/b/*', handler);
    expect(requireAll).not.toThrow();
    expect(() => app.post('/a', handler)).toThrow('the route POST /a has a row');
    expect(() => app.get('/c', handler)).toThrow('the route GET /c has a row');
  });

  it('has a route for every row', () => {
    const app = fastify();
    const requireAll = holdToRows(app, [row('GET', '/a'), row('GET', '/b')]);
    app.get('/a', handler);
    expect(requireAll).toThrow('GET /b is a route');
  });
});
