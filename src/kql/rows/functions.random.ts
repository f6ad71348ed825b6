import fc from 'fast-check';
import { columns } from './functions.cases.ts';

/** Templates by type of result; a letter in braces stands for an expression of the type that the column of this letter has. */
const templates: Readonly<Record<string, string>> = {
  i: `{i}+{i};{i}-{i};{i}*{i};{i}/{i};{i}%{i};-{i};bin({i},5);iff({b},{i},{i});coalesce({i},{i});max_of({i},{i});min_of({i},{i});case({b},{i},{b},{i},3);strlen({s});tolong({s});tolong({x});tolong({m});tolong({o});tolong({d});
toint({x});toint({o});indexof({s},{s});indexof({s},"a",{i});countof({s},"a");array_length({o});binary_and({i},{i});binary_xor({i},7);binary_shift_right({i},3);bitset_count_ones({i});hash({s});hash({x},10);hash({t});hash({b});hash({d});dayofyear({t});getyear({t});monthofyear({t});hourofday({t});
week_of_year({t});datetime_diff("month",{t},{t});datetime_part("second",{t});array_index_of({o},{i});round({i});string_size({s});strcmp({s},{s});parse_ipv4({s})`,
  x: `{x}+{x};{x}-{x};{x}*{x};{x}/{x};{x}%{x};-{x};{i}*{x};{x}/{i};iff({b},{x},{x});coalesce({x},{x});max_of({x},{x});min_of({x},{i});bin({x},0.5);floor({x},{x});ceiling({x});round({x},1);round({x});sqrt({x});abs({x});sign({x});toreal({s});toreal({i});toreal({m});toreal({o});toreal({d});
{d}/{d};bin_at({x},2.5,1.0);array_sum({o})*1.0;jaccard_index({o},{o});degrees({x})`,
  m: `{m}+{m};{m}-{m};{m}*{m};{m}/{m};{m}%{m};{m}+{i};-{m};todecimal({i});todecimal({s});todecimal({x});todecimal({o});iff({b},{m},{m});coalesce({m},{m});max_of({m},{m});min_of({m},{m});bin({m},decimal(0.5));abs({m});ceiling({m});round({m},2)`,
  s: `strcat({s},{s});strcat({s},{i},{x});strcat({b},{m},{t},{d},{o},{g});strcat_delim({s},{s},{i},{o});iff({b},{s},{s});coalesce({s},{s});max_of({s},{s});min_of({s},{s});case({b},{s},{b},"p",{s});tolower({s});toupper({s});reverse({s});substring({s},{i});substring({s},1,{i});replace_string({s},{s},"-");
trim("[ a]+",{s});extract("([a-z0-9]+)",1,{s});replace_regex({s},"[aeiou]","<\\\\0>");tostring({i});tostring({x});tostring({m});tostring({t});tostring({d});tostring({b});tostring({o});tostring({g});tohex({i});url_encode({s});url_decode({s});base64_encode_tostring({s});base64_decode_tostring({s});
format_datetime({t},"yyyy-MM-dd HH:mm:ss.fffffff");format_timespan({d},"d.hh:mm:ss.fff");format_bytes({x},2);gettype({o});strcat_array({o},"|");array_strcat({o},"+");translate("ab","xy",{s});hash_md5({s});dynamic_to_json({o});strrep({s},2,",");format_ipv4({i})`,
  t: `{t}+{d};iff({b},{t},{t});coalesce({t},{t});max_of({t},{t});min_of({t},{t});bin({t},1h);bin({t},7d);startofday({t});startofweek({t});startofmonth({t},1);startofyear({t});endofday({t});endofweek({t});endofmonth({t},-1);endofyear({t});datetime_add("month",3,{t});todatetime({s});
make_datetime(2024,1,2);unixtime_seconds_todatetime(1700000000.5);datetime_utc_to_local({t},"Europe/Berlin")`,
  d: `{d}+{d};{d}-{d};{t}-{t};{d}*{i};{d}*0.5;{d}/2;{d}%1h;-{d};abs({d});iff({b},{d},{d});coalesce({d},{d});max_of({d},{d});min_of({d},{d});bin({d},15m);totimespan({s});dayofweek({t});make_timespan(1,2,3)`,
  b: `{i}=={i};{i}!={i};{i}<{i};{i}>={i};{x}=={x};{x}!={x};{x}<{x};{x}>{i};{m}=={m};{m}<{m};{m}>={i};{s}=={s};{s}!={s};{s}=~{s};{s}!~{s};{t}<{t};{t}=={t};{d}>{d};{d}!={d};{b}=={b};{g}=={g};{o}=={i};{o}=={s};{o}!={x};{o}<{i};not({b});({b} and {b});({b} or {b});iff({b},{b},{b});
isnull({i});isnull({o});isnotnull({x});isempty({s});isnotempty({o});isnan({x});isfinite({x});{i} in ({i},{i});{i} !in (1,2);{s} in ({s},"a");{s} in~ ({s},"A b");{x} in ({x});{i} in ({o});{s} in ({o});{i} between ({i} .. {i});{x} between ({x} .. {x});{x} !between (0.0 .. {x});{t} between ({t} .. {t});
{t} between ({t} .. 3d);{d} between ({d} .. {d});{s} has {s};{s} has_cs {s};{s} hasprefix {s};{s} hassuffix {s};{s} contains {s};{s} !contains {s};{s} contains_cs {s};{s} startswith {s};{s} endswith_cs {s};{s} matches regex "[a-z]{2}";{s} has_any ({s},{o});{s} has_all ({s},"a");tobool({s});tobool({i});tobool({o});
set_has_element({o},{i});bag_has_key({o},"a");isascii({s});ipv4_is_private({s});around({i},{i},3);series_sum({o})>{x}`,
  o: `{o}.a;{o}.b.c;{o}[0];{o}[-1];{o}["a"];pack_array({i},{x},{s},{b},{m},{t},{d});pack_array({o},{o});bag_pack("a",{o},"b",{x});bag_merge({o},{o});bag_set_key(o,"a",{i});bag_keys({o});bag_remove_keys({o},dynamic(["a"]));iff({b},{o},{o});coalesce({o},{o});array_concat({o},{o});array_slice({o},0,1);
array_reverse({o});array_sort_asc({o});array_sort_desc({o});set_union({o},{o});set_intersect({o},{o});set_difference({o},{o});array_rotate_left({o},1);zip({o},{o});array_iff({o},{i},{s});split({s},"a");split({s}," ",0);parse_json({s});parse_json({o});extract_all("([a-z])",{s});parse_url({s});
range(1,{i}%6);treepath({o});series_add({o},{o});series_stats({o});todynamic(tostring({o}));repeat({i},2);array_sum({o})`,
  g: `iff({b},{g},{g});coalesce({g},{g});toguid({s});toguid(tostring({g}))`,
};

/** The column itself, mostly: so that expressions end. */
const ofType = (type: string, depth: number): fc.Arbitrary<string> => {
  const list = (templates[type] ?? '').replaceAll('\n', '').split(';');
  if (depth === 0) return fc.constant(type);
  return fc.oneof(
    { arbitrary: fc.constant(type), weight: 1 },
    {
      weight: 3,
      arbitrary: fc.constantFrom(...list).chain((template) => {
        const parts = template.split(/\{([ixmstdbog])\}/);
        const filled = parts.map((part, index) => (index % 2 === 1 ? ofType(part, depth - 1) : fc.constant(part)));
        return fc.tuple(...filled).map((texts) => whole(texts.join(''), template));
      }),
    },
  );
};
/** In brackets where an operator stands at the top. */
const whole = (text: string, template: string): string =>
  /^[a-z_0-9]+\([^]*\)$/.test(template) || /^\{o\}[.[]/.test(template) ? text : `(${text})`;

export const nested: fc.Arbitrary<string> = fc.constantFrom(...Object.keys(templates)).chain((type) => ofType(type, 3));

const values: Readonly<Record<keyof typeof columns, readonly string[]>> = {
  i: ['long(null)', '0', '1', '-1', '7', '-12', '255', '1000000007', '-99999999999', '9007199254740993'],
  j: ['int(null)', 'int(1)', 'int(-3)'],
  x: [
    'real(null)',
    '0.0',
    'real(-0.0)',
    '1.5',
    '-2.25',
    '0.1',
    '1e21',
    '1e-7',
    '123456.789',
    'real(nan)',
    'real(inf)',
    'real(-inf)',
  ],
  m: ['decimal(null)', 'decimal(0)', 'decimal(1.5)', 'decimal(-0.1)', 'decimal(3)', 'decimal(99999999999.000000001)'],
  s: [
    '""',
    '"a"',
    '"A b"',
    '"10"',
    '" -7 "',
    '"1.5e3"',
    '"naïve Äß"',
    '"x_y, a-b"',
    '"[1,2.50]"',
    '"{\\"a\\":\\"b\\"}"',
    '"true"',
    '"2024-02-29 10:20"',
    '"1.02:03:04"',
    '"10.1.2.3"',
    '"a%20b"',
    '"YWI="',
    '"👍🏽 é"',
  ],
  t: [
    'datetime(null)',
    'datetime(2024-02-29 13:14:15.1234567)',
    'datetime(1999-12-31)',
    'datetime(2020-01-01)',
    'datetime(1901-06-15 12:00:00)',
  ],
  d: ['timespan(null)', 'time(0)', 'time(1h)', 'time(-1.12:00:00)', 'time(00:00:01.5)', 'time(400.00:00:00)'],
  b: ['bool(null)', 'true', 'false'],
  o: [
    'dynamic(null)',
    'dynamic([])',
    'dynamic([3,1,2.5,1])',
    'dynamic(["a","B",null,true])',
    'dynamic({"a":1,"b":{"c":"x"}})',
    'dynamic({"b":{"c":[1]},"a":"1"})',
    'dynamic("a")',
    'dynamic(5)',
    'dynamic(-2.50)',
    'dynamic(true)',
    'dynamic([[1,2],{"a":3}])',
  ],
  g: ['guid(null)', 'guid(0e4f1c5a-1111-2222-3333-444444444444)', 'guid(ffffffff-ffff-ffff-ffff-ffffffffffff)'],
};
/** Literals of one row, in the order of the columns. */
export const randomRow: fc.Arbitrary<string[]> = fc.tuple(
  ...Object.keys(columns).map((name) => fc.constantFrom(...values[name as keyof typeof columns])),
);
