import type { MmdbValue } from './mmdb-writer.ts';

const named = (en: string): MmdbValue => ({ geoname_id: { bits: 32, value: 4_711 }, names: { de: `${en} (de)`, en } });
const place = (
  country: string,
  subdivisions: readonly string[],
  city: string,
  at: readonly [number, number],
): MmdbValue => ({
  city: named(city),
  country: { iso_code: 'XX', is_in_european_union: false, ...(named(country) as object) },
  location: { accuracy_radius: { bits: 16, value: 20 }, latitude: at[0], longitude: at[1], time_zone: 'Etc/UTC' },
  registered_country: named('Another country'),
  subdivisions: subdivisions.map(named),
});

/** Some places in the form of a city database. Those of the documentation are where Microsoft's engine sees them. */
export const cityNetworks: Readonly<Record<string, MmdbValue>> = {
  '20.53.0.0/16': place('Australia', ['New South Wales'], 'Sydney', [-33.8672, 151.1997]),
  '2a03:2880:f12c::/48': place('United States', ['Florida'], 'Miami', [25.7701, -80.1928]),
  '81.0.0.0/8': { country: named('United Kingdom'), location: { latitude: 51.4964, longitude: -0.1224 } },
  '81.2.69.0/24': place('United Kingdom', ['England', 'Greater London'], 'London', [51.5142, -0.0931]),
  '200.147.0.0/16': place('Brazil', ['São Paulo'], 'São Paulo', [-23.5, -46]),
  '9.9.9.0/24': { country: named('Nowhere'), city: { names: { de: 'Irgendwo' } }, subdivisions: [], location: {} },
  '5.5.5.0/24': { continent: named('Europe'), registered_country: named('Another country') },
};

export const sydney = {
  country: 'Australia',
  state: 'New South Wales',
  city: 'Sydney',
  latitude: -33.8672,
  longitude: 151.1997,
};
