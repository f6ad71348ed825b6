import { invariant } from '../../base/invariant.ts';
import type { PluginSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Address } from '../algorithms/text/ip.ts';
import { isInRange, masked, parseIpv4, parseIpv6 } from '../algorithms/text/ip.ts';
import type { NativeValue } from '../sql/native.ts';
import { lookupRow } from './lookup-columns.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { columnIndex } from './row-operator.ts';

interface Network {
  readonly range: Address;
  readonly row: readonly NativeValue[];
}

/** Networks by prefix length, masked address and further keys, so that a lookup looks only once per length that occurs.
 * @param keysOf the further keys of a network's row, as one text */
function indexNetworks(
  networks: readonly Network[],
  keysOf: (row: Network['row']) => string,
  bits: 32 | 128,
): (address: Address, keys: string) => readonly Network[] {
  const byPrefix = new Map<number, Map<string, Network[]>>();
  for (const network of networks) {
    const { value, prefix } = network.range;
    const table = byPrefix.get(prefix) ?? new Map<string, Network[]>();
    byPrefix.set(prefix, table);
    const key = `${masked(value, prefix, bits)} ${keysOf(network.row)}`;
    const known = table.get(key);
    if (known) known.push(network);
    else table.set(key, [network]);
  }
  return (address, keys) =>
    [...byPrefix]
      .flatMap(([prefix, table]) => table.get(`${masked(address.value, prefix, bits)} ${keys}`) ?? [])
      .filter((network) => isInRange(address, network.range, bits));
}

/** `ipv4_lookup(Table, address, network[, key…][, return_unmatched])`: every network that holds the address gives a row.
 * @see Kusto documentation, ipv4_lookup and ipv6_lookup plugins */
const ipLookup =
  (plugin: string, parse: (text: string) => Address | undefined, bits: 32 | 128): RowOperator =>
  (call) => {
    const args = argumentsOf(call, plugin);
    const table = args.table(0);
    const address = args.column(1);
    const { args: raw } = call.settings as PluginSettings;
    const networkName = lookupColumn(raw[2]);
    if (networkName === undefined)
      throw new KqlError('semantic', `evaluate ${plugin}(): the network must be a column.`);
    const network = columnIndex(table, networkName);
    if (args.typeOf(1) !== 'string' || table.cols[network]?.type !== 'string')
      throw new KqlError('semantic', `evaluate ${plugin}(): addresses and networks must be strings.`);
    const keys = raw.slice(3).flatMap((argument) => lookupColumn(argument) ?? []);
    const flag = raw.find((argument, index) => index > 2 && argument.k === 'constant');
    const unmatched = flag?.k === 'constant' && call.inputs[1]?.rows[0]?.[flag.index] === true;
    const keyPlaces = keys.map((name) => [columnIndex(args.rows, name), columnIndex(table, name)] as const);
    const keysOf = (row: readonly NativeValue[], places: readonly number[]): string =>
      JSON.stringify(places.map((place) => String(row[place])));
    const [ownPlaces, otherPlaces] = [keyPlaces.map(([own]) => own), keyPlaces.map(([, other]) => other)];
    const find = indexNetworks(
      table.rows.flatMap((row) => {
        const range = parse(String(row[network] ?? ''));
        return range ? [{ range, row }] : [];
      }),
      (row) => keysOf(row, otherPlaces),
      bits,
    );
    const cols = call.cols;
    invariant(cols, 'the binder gives the columns of a lookup');
    const rowOf = lookupRow(cols, args.rows, table, (name) => !keys.includes(name));
    const rows: NativeValue[][] = [];
    for (const row of args.rows.rows) {
      const parsed = parse(String(row[address] ?? ''));
      const matches = parsed ? find(parsed, keysOf(row, ownPlaces)) : [];
      for (const match of matches.length > 0 ? matches : unmatched ? [undefined] : [])
        rows.push(rowOf(row, match?.row));
    }
    return { cols, rows };
  };

/** The name of a column of the lookup table: the binder resolves it there, so it arrives as a column. */
const lookupColumn = (argument: PluginSettings['args'][number] | undefined): string | undefined =>
  argument?.k === 'column' ? argument.name : undefined;

/** ipv4_lookup, ipv6_lookup. */
export const lookupPlugins: Readonly<Record<string, RowOperator>> = {
  ipv4_lookup: ipLookup('ipv4_lookup', parseIpv4, 32),
  ipv6_lookup: ipLookup('ipv6_lookup', parseIpv6, 128),
};
