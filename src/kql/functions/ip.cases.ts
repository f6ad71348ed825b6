import type { FunctionCases } from './case-rows.ts';

export const ipCases: FunctionCases = {
  parse_ipv4: ['parse_ipv4(s)'],
  parse_ipv4_mask: ['parse_ipv4_mask(s,24)'],
  parse_ipv6: ['parse_ipv6(s)'],
  parse_ipv6_mask: ['parse_ipv6_mask(s,24)'],
  ipv4_compare: ['ipv4_compare(s,"10.1.2.4")', 'ipv4_compare(s,"10.1.2.4",24)'],
  ipv4_is_match: ['ipv4_is_match(s,"10.1.2.0/24")'],
  ipv6_compare: ['ipv6_compare(s,"::1")'],
  ipv6_is_match: ['ipv6_is_match(s,"10.1.2.3")'],
  ipv4_is_in_range: ['ipv4_is_in_range(s,"10.0.0.0/8")'],
  ipv6_is_in_range: ['ipv6_is_in_range(s,"::/0")'],
  ipv4_is_in_any_range: [
    'ipv4_is_in_any_range(s,"11.0.0.0/8","10.0.0.0/8")',
    'ipv4_is_in_any_range(s,dynamic(["10.0.0.0/8"]))',
  ],
  ipv6_is_in_any_range: ['ipv6_is_in_any_range(s,"::/0")'],
  ipv4_is_private: ['ipv4_is_private(s)'],
  ipv4_netmask_suffix: ['ipv4_netmask_suffix(s)'],
  ipv4_range_to_cidr_list: ['ipv4_range_to_cidr_list(s,"10.1.2.9")'],
  format_ipv4: ['format_ipv4(s)', 'format_ipv4(i)', 'format_ipv4(i,16)'],
  format_ipv4_mask: ['format_ipv4_mask(s,24)', 'format_ipv4_mask(j,8)'],
  has_ipv4: ['has_ipv4(s,"10.1.2.3")'],
  has_any_ipv4: ['has_any_ipv4(s,"1.1.1.1","10.1.2.3")', 'has_any_ipv4(s,dynamic(["10.1.2.3"]))'],
  has_ipv4_prefix: ['has_ipv4_prefix(s,"10.1.")'],
  has_any_ipv4_prefix: ['has_any_ipv4_prefix(s,"11.","10.")'],
};
