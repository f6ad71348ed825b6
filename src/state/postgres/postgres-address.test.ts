import { describe, expect, it } from 'vitest';
import { nameOf, parsePostgresAddress } from './postgres-address.ts';

describe('parsePostgresAddress', () => {
  it('reads hosts, ports, schemas and sockets', () => {
    expect(parsePostgresAddress('postgres://me@db.example.org/kustody')).toEqual({
      ...{ host: 'db.example.org', port: 5432, database: 'kustody', user: 'me', schema: 'kustody', tls: {} },
    });
    expect(parsePostgresAddress('postgresql://a%40b@[::1]:5433/d?schema=s1')).toMatchObject({
      ...{ host: '::1', port: 5433, user: 'a@b', schema: 's1', tls: undefined },
    });
    const socket = parsePostgresAddress('postgres://me@/d?host=/var/run/postgresql');
    expect(socket).toMatchObject({ host: '/var/run/postgresql', tls: undefined });
    expect(nameOf(socket)).toBe('postgres:///d?host=/var/run/postgresql (schema kustody)');
  });

  it('checks certificates wherever a network is', () => {
    for (const host of ['10.0.0.1', 'db', '1270.0.0.1', 'localhost.example.org', '127.example.org'])
      expect(parsePostgresAddress(`postgres://me@${host}/d`).tls).toEqual({});
    expect(parsePostgresAddress('postgres://me@127.0.0.1/d?sslmode=verify-full').tls).toEqual({});
    expect(parsePostgresAddress('postgres://me@db/d?sslrootcert=/ca.pem').tls).toEqual({ rootCertificates: '/ca.pem' });
  });

  it.each([
    ['postgres://me:secret-4711@db/d', 'holds a password'],
    ['postgres://me@db/d?password=secret-4711', 'holds a password'],
    ['postgres://me@db/d?sslmode=require', 'sslmode=require'],
    ['postgres://me@db/d?sslmode=disable', 'sslmode=disable'],
    ['postgres://me@db/d?options=-csynchronous_commit=off', "parameter 'options'"],
    ['postgres://me@db/d?schema=a"b', 'schema'],
    ['postgres://me@db/d?schema=pg_catalog', 'schema'],
    ['postgres://db/d', 'names a user'],
    ['postgres://me@db', 'names a user'],
    ['postgres://me@/d', 'names a user'],
    ['postgres://me%ff@db/d', 'percent-encoded'],
    ['mysql://me:secret-4711@db/d', 'is addressed as'],
    ['secret-4711', 'is addressed as'],
  ])('refuses %s without repeating a secret', (text, why) => {
    expect(() => parsePostgresAddress(text)).toThrow(expect.objectContaining({ name: 'StateAddressError' }));
    try {
      parsePostgresAddress(text);
    } catch (error) {
      expect(String(error)).toContain(why);
      expect(String(error)).not.toContain('4711');
    }
  });
});
