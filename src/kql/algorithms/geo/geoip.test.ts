import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mmdb } from '../../../../tests/support/mmdb-writer.ts';
import { python, pythonHas } from '../../../../tests/support/python.ts';
import { cityNetworks, sydney } from '../../../../tests/support/city-database.ts';
import { openLocalEngine } from '../../testing/local-engine.ts';
import { parserEntry } from '../../testing/parser-entry.ts';
import { GeoipDatabase } from './geoip.ts';
import { checkGeoipDatabase } from './geoip-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-geoip-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function file(bytes: Uint8Array): string {
  const path = join(directory, `${(files += 1)}.mmdb`);
  writeFileSync(path, bytes);
  return path;
}
const found = (path: string, address: string): unknown => {
  const text = new GeoipDatabase(path).find(address);
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
};

describe('a city database', () => {
  // What stands in the records; the first is what Microsoft's engine answers.
  const answers: readonly (readonly [string, unknown])[] = [
    ['20.53.203.50', sydney],
    ['20.53.0.0', sydney],
    ['20.54.0.0', undefined],
    ['::ffff:20.53.203.50', sydney],
    ['0:0:0:0:0:FFFF:1435:cb32', sydney],
    [
      '2a03:2880:f12c:83:face:b00c::25de',
      { country: 'United States', state: 'Florida', city: 'Miami', latitude: 25.7701, longitude: -80.1928 },
    ],
    ['2a03:2880:f12d::', undefined],
    // The longer prefix wins; of several subdivisions the first is the largest.
    [
      '81.2.69.1',
      { country: 'United Kingdom', state: 'England', city: 'London', latitude: 51.5142, longitude: -0.0931 },
    ],
    ['81.3.0.1', { country: 'United Kingdom', latitude: 51.4964, longitude: -0.1224 }],
    ['200.147.3.1', { country: 'Brazil', state: 'São Paulo', city: 'São Paulo', latitude: -23.5, longitude: -46 }],
    ['9.9.9.9', { country: 'Nowhere' }],
    ['5.5.5.5', undefined], // a record that knows nothing of the kind
    ['10.0.0.1', undefined],
    ['127.0.0.1', undefined],
    ['::1', undefined],
    ['fe80::1', undefined],
  ];
  for (const recordSize of [24, 28, 32] as const) {
    it.each(answers)(`of records of ${recordSize} bits says where %s is`, (address, expected) => {
      expect(found(file(mmdb({ networks: cityNetworks, recordSize })), address)).toEqual(expected);
    });
  }

  it.each([
    ...['', ' ', 'no address', '20.53.203', '20.53.203.256', '020.53.203.50', '20.53.203.50 ', '20.53.203.50/24'],
    ...['20.53.203.50:80', '[2a03:2880:f12c::1]', '2a03:2880:f12c::1%eth0', '2a03::2880::1', '2a03:2880:f12c::/48'],
  ])('knows nothing of %j, which is no address', (text) => {
    expect(found(file(mmdb({ networks: cityNetworks })), text)).toBeUndefined();
  });

  it('has IPv4 addresses in IPv6 form with and without aliases', () => {
    const bare = file(mmdb({ networks: cityNetworks, aliases: false }));
    expect(found(bare, '::ffff:20.53.203.50')).toEqual(sydney);
    expect(found(bare, '20.53.203.50')).toEqual(sydney);
  });

  it('of IPv4 addresses alone knows no other', () => {
    const v4 = file(mmdb({ networks: { '32.1.0.0/16': cityNetworks['20.53.0.0/16'] ?? '' }, ipVersion: 4 }));
    expect(found(v4, '32.1.2.3')).toEqual(sydney);
    expect(found(v4, '::ffff:32.1.2.3')).toEqual(sydney);
    expect(found(v4, '2001:203::')).toBeUndefined(); // the same first 32 bits
  });

  it.skipIf(!pythonHas('maxminddb'))("is the same to Python's maxminddb", () => {
    const path = file(mmdb({ networks: cityNetworks }));
    const script =
      'import json, sys, maxminddb; print(json.dumps([maxminddb.open_database(sys.argv[1]).get(a) for a in sys.argv[2:]]))';
    const asked = ['20.53.203.50', '::ffff:20.53.203.50', '10.0.0.1'];
    const printed = execFileSync(python, ['-c', script, path, ...asked], { encoding: 'utf8' });
    const city = { city: { names: { en: 'Sydney' } }, location: { latitude: -33.8672, longitude: 151.1997 } };
    expect(JSON.parse(printed)).toMatchObject([city, city, null]);
  });

  it('keeps whole coordinates as reals', () => {
    expect(new GeoipDatabase(file(mmdb({ networks: cityNetworks }))).find('200.147.3.1')).toMatch(
      /"longitude":-46\.0}$/,
    );
  });
});

describe('a file that is no city database', () => {
  const whole = mmdb({ networks: cityNetworks });
  const refusals: readonly (readonly [string, () => string, RegExp])[] = [
    ['is missing', () => join(directory, 'none.mmdb'), /none\.mmdb does not exist/],
    ['is a directory', () => directory, /is no file/],
    ['is empty', () => file(new Uint8Array()), /is no database in MMDB format/],
    [
      'is text',
      () => file(Buffer.from('network,country\n1.0.0.0/24,AU\n'.repeat(1000))),
      /is no database in MMDB format/,
    ],
    [
      'knows countries only',
      () => file(mmdb({ networks: {}, type: 'GeoLite2-Country' })),
      /'GeoLite2-Country'.*knows cities/,
    ],
    [
      'is of another version',
      () => file(mmdb({ networks: {}, metadata: { ip_version: { bits: 16, value: 5 } } })),
      /is damaged/,
    ],
    [
      'has no such tree',
      () => file(mmdb({ networks: {}, metadata: { node_count: { bits: 32, value: 99 } } })),
      /is damaged/,
    ],
    ['counts by text', () => file(mmdb({ networks: {}, metadata: { node_count: 'many' } })), /is damaged/],
    ['was cut in its metadata', () => file(whole.subarray(0, -40)), /is damaged/],
    ['was cut in its records', () => file(whole.subarray(0, whole.length / 2)), /is no database in MMDB format/],
    ['lacks a piece', () => file(Buffer.concat([whole.subarray(0, 200), whole.subarray(300)])), /is damaged/],
  ];
  it.each(refusals)('%s: refused at start', (_what, path, message) => {
    expect(() => checkGeoipDatabase(path())).toThrow(message);
  });

  it('is too large: refused at start', () => {
    const path = file(mmdb({ networks: cityNetworks }));
    truncateSync(path, 2 ** 30 + 1); // a hole, not bytes
    expect(() => checkGeoipDatabase(path)).toThrow(/larger than 1024 MiB/);
  });

  it.each([
    'Test-City',
    'GeoLite2-City',
    'GeoIP2-City-Europe',
    'GeoIP2-Enterprise',
    'DBIP-City-Lite',
    'DBIP-Location (compat=City)',
  ])('is not one of type %s', (type) => {
    expect(() => checkGeoipDatabase(file(mmdb({ networks: cityNetworks, type })))).not.toThrow();
  });
});

describe('a damaged database', () => {
  const records: readonly (readonly [string, Parameters<typeof mmdb>[0]['networks']])[] = [
    ['a country that is text', { '1.0.0.0/8': { country: 'Australia' } }],
    ['names in a list', { '1.0.0.0/8': { country: { names: ['Australia'] } } }],
    ['a latitude that is text', { '1.0.0.0/8': { location: { latitude: '5', longitude: 5 } } }],
    ['a latitude that is none', { '1.0.0.0/8': { location: { latitude: Number.NaN, longitude: 5 } } }],
    ['subdivisions that are no list', { '1.0.0.0/8': { subdivisions: { names: { en: 'x' } } } }],
    ['a record that is text', { '1.0.0.0/8': 'Australia' }],
  ];
  it.each(records)('with %s fails the query', (_what, networks) => {
    expect(() => found(file(mmdb({ networks })), '1.2.3.4')).toThrow(/damaged/);
  });

  it.each([
    ['points to itself', [0x20, 0]],
    ['holds itself', [0xe2, 0x41, 0x61, 0x20, 0]],
    ['claims more than there is', [0x1f, 4, 0xff, 0xff, 0xff]],
  ])('whose record %s fails the query', (_what, record) => {
    const bytes = mmdb({ networks: { '1.0.0.0/8': { country: { names: { en: 'Australia' } } } } });
    bytes.set(record, bytes.indexOf(Buffer.from([0xe1, 0x47]))); // a map of one member, whose name has seven bytes
    expect(() => found(file(bytes), '1.2.3.4')).toThrow(/damaged/);
  });

  it('fails, or answers, but never hangs or breaks in another way, whichever byte is wrong', () => {
    const whole = mmdb({ networks: cityNetworks });
    const path = file(whole);
    for (let at = 0; at < whole.length; at += 7) {
      for (const flip of [0xff, 0x20, 0x01]) {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        writeFileSync(path, bytes);
        const database = new GeoipDatabase(path);
        for (const address of ['20.53.203.50', '2a03:2880:f12c::1', '81.2.69.1']) {
          try {
            database.find(address);
          } catch (error) {
            expect(error).toMatchObject({ name: 'KqlError', code: 'runtime' });
          }
        }
      }
    }
  });
});

describe('geo_info_from_ip_address()', () => {
  async function answer(query: string, geoipDatabase?: string): Promise<unknown> {
    const engine = await openLocalEngine(parserEntry, geoipDatabase === undefined ? {} : { geoipDatabase });
    try {
      const [table] = await engine.run(query);
      return table?.rows;
    } finally {
      engine.close();
    }
  }

  it('is refused by name and place without a database, and says how to give one', async () => {
    await expect(answer('print geo_info_from_ip_address("20.53.203.50")')).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringMatching(/^'geo_info_from_ip_address' .* --geoip-database FILE/) as unknown,
      position: 6,
    });
    await expect(
      answer('print a = "1.2.3.4" | scan declare (g:dynamic) with (step s: true => g = geo_info_from_ip_address(a);)'),
    ).rejects.toMatchObject({ code: 'notSupported' });
  });

  it('answers from the database it is given, in every place of a query', async () => {
    const path = file(mmdb({ networks: cityNetworks }));
    const rows = await answer(
      `datatable(ip:string)["20.53.203.50", "81.3.0.1", "10.0.0.1", "nonsense", "", "81.3.0.1"]
       | extend g = geo_info_from_ip_address(ip)
       | project country = tostring(g.country), city = tostring(g.city), none = isnull(g.city), far = toreal(g.latitude) < 0, form = gettype(g)`,
      path,
    );
    expect(rows).toEqual([
      ['Australia', 'Sydney', false, true, 'dictionary'],
      ['United Kingdom', '', true, false, 'dictionary'],
      ['', '', true, null, 'null'],
      ['', '', true, null, 'null'],
      ['', '', true, null, 'null'],
      ['United Kingdom', '', true, false, 'dictionary'],
    ]);
    expect(
      await answer(
        'print a = "81.2.69.1" | scan declare (c:string) with (step s: true => c = tostring(geo_info_from_ip_address(a).city);)',
        path,
      ),
    ).toEqual([['81.2.69.1', 'London']]);
    expect(await answer('print geo_info_from_ip_address(strcat("20.53.", "203.50")).country', path)).toEqual([
      ['"Australia"'],
    ]);
  });

  it('ends the query with an error, and nothing else, when the file is gone, damaged, or swapped', async () => {
    const query = 'range x from 1 to 3000 step 1 | project geo_info_from_ip_address("20.53.203.50")';
    const gone = file(mmdb({ networks: cityNetworks }));
    rmSync(gone);
    await expect(answer(query, gone)).rejects.toMatchObject({ code: 'runtime', message: /cannot be read/ });
    const swapped = file(mmdb({ networks: cityNetworks }));
    copyFileSync(import.meta.filename, swapped);
    await expect(answer(query, swapped)).rejects.toMatchObject({ code: 'runtime' });
    const wrong = file(mmdb({ networks: { '20.0.0.0/8': 'text' } }));
    await expect(answer(query, wrong)).rejects.toMatchObject({ code: 'runtime', message: /damaged/ });
  });
});
