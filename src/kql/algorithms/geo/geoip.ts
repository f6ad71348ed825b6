import { isIP } from 'node:net';
import { Reader } from 'mmdb-lib';
import { KqlError } from '../../plan/kql-error.ts';
import { realToJson } from '../../values/real-text.ts';
import { GeoipDatabaseError, readGeoipDatabase } from './geoip-file.ts';
import { formatIpv4, parseIpv6 } from '../text/ip.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Decoded records and parts of them that are kept; the names of one place in all languages take some 2 KB. */
const recordsMax = 10_000;

/** Where addresses are, by a file that the user has: a city database in MMDB format, opened when somebody first asks and kept. */
export class GeoipDatabase {
  readonly #path: string;
  #reader: Reader<Record<string, never>> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @param address IPv4 or IPv6, nothing besides
   * @returns JSON text of what is known of country, state, city, latitude and longitude; undefined when nothing is
   * @throws KqlError runtime when the file is damaged, or cannot be read any more */
  find(address: string): string | undefined {
    if (isIP(address) === 0 || address.includes('%')) return undefined;
    const reader = this.#open();
    const searched = ipv4Inside(address) ?? address;
    // The library would look for the first 32 bits.
    if (reader.metadata.ipVersion === 4 && isIP(searched) === 6) return undefined;
    let record: unknown;
    try {
      record = reader.get(searched);
    } catch {
      throw damaged();
    }
    return record === null ? undefined : placeOf(record);
  }

  #open(): Reader<Record<string, never>> {
    if (this.#reader !== undefined) return this.#reader;
    const records = new Map<string | number, unknown>();
    const cache = {
      get: (at: string | number): unknown => records.get(at),
      set: (at: string | number, record: unknown): void => {
        if (records.size >= recordsMax) records.clear();
        records.set(at, record);
      },
    };
    try {
      this.#reader = new Reader(readGeoipDatabase(this.#path), { cache });
      return this.#reader;
    } catch (error) {
      if (!(error instanceof GeoipDatabaseError)) throw damaged();
      throw new KqlError('runtime', 'The GeoIP database that this server was given cannot be read any more.');
    }
  }
}

const damaged = (): KqlError => new KqlError('runtime', 'The GeoIP database that this server was given is damaged.');

/** `::ffff:a.b.c.d` is an IPv4 address; not every database leads from one to the other. */
function ipv4Inside(address: string): string | undefined {
  if (!address.includes(':')) return undefined;
  const value = parseIpv6(address)?.value;
  return value !== undefined && value >> 32n === 0xffffn ? formatIpv4(value & 0xffff_ffffn) : undefined;
}

function placeOf(record: unknown): string | undefined {
  const location = member(record, 'location');
  const subdivisions = member(record, 'subdivisions') ?? [];
  if (!Array.isArray(subdivisions)) throw damaged();
  const parts = {
    country: englishName(member(record, 'country')),
    state: englishName(subdivisions[0]), // the largest comes first
    city: englishName(member(record, 'city')),
    latitude: degrees(member(location, 'latitude')),
    longitude: degrees(member(location, 'longitude')),
  };
  const known = Object.entries(parts).filter(([, text]) => text !== undefined);
  return known.length === 0 ? undefined : `{${known.map(([name, text]) => `"${name}":${text}`).join(',')}}`;
}

function englishName(place: unknown): string | undefined {
  const name = member(member(place, 'names'), 'en');
  if (name === undefined) return undefined;
  if (typeof name !== 'string') throw damaged();
  return JSON.stringify(name);
}

function degrees(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw damaged();
  return realToJson(value);
}

function member(value: unknown, name: string): unknown {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged();
  return Object.hasOwn(value, name) ? (value as Fields)[name] : undefined;
}
