/** Expressions over the columns i long, j int, x real, m decimal, s string, t datetime, d timespan, b bool, o dynamic and
 * g guid: every scalar function that operators that walk rows know, by family. */

export const columns = {
  i: 'long',
  j: 'int',
  x: 'real',
  m: 'decimal',
  s: 'string',
  t: 'datetime',
  d: 'timespan',
  b: 'bool',
  o: 'dynamic',
  g: 'guid',
} as const;

/** Rows of edge values; the first is null throughout, which is what a state starts with. */
export const edgeRows: readonly (readonly string[])[] = [
  [
    'long(null)',
    'int(null)',
    'real(null)',
    'decimal(null)',
    '""',
    'datetime(null)',
    'timespan(null)',
    'bool(null)',
    'dynamic(null)',
    'guid(null)',
  ],
  [
    '1',
    'int(2)',
    '1.5',
    'decimal(2.25)',
    '"Hello, World 12"',
    'datetime(2024-02-29 13:14:15.1234567)',
    'time(1.00:00:00)',
    'true',
    'dynamic({"a":1.50,"b":[1,"x",null,2.0e3],"":7,"c":{"d":"é/\\u001f"}})',
    'guid(0e4f1c5a-1111-2222-3333-444444444444)',
  ],
  [
    'long(-7)',
    'int(3)',
    'real(-2.5)',
    'decimal(-0.1)',
    '"ÄÖ ñ İ ß ﬁ Σ 👍🏽 \'q\' a.b/c?x=1&y=2"',
    'datetime(1999-12-31)',
    'time(-1.12:00:00)',
    'false',
    'dynamic([3,1,2,1])',
    'guid(ffffffff-1111-2222-3333-444444444444)',
  ],
  [
    '0',
    'int(0)',
    'real(nan)',
    'decimal(0)',
    '" 42 "',
    'datetime(0001-01-01)',
    'time(0)',
    'bool(null)',
    'dynamic([])',
    'guid(null)',
  ],
  [
    '9223372036854775807',
    'int(-5)',
    '1e300',
    'decimal(12345678901234567890.123456789012345678)',
    '"10.1.2.3"',
    'datetime(9999-12-31 23:59:59.9999999)',
    'time(00:00:01.5)',
    'true',
    'dynamic("12")',
    'guid(0e4f1c5a-1111-2222-3333-444444444444)',
  ],
  [
    'long(-9223372036854775807)',
    'int(2147483647)',
    'real(-inf)',
    'decimal(-1e-18)',
    '"[1, 2.50 ,\\"a\\"]"',
    'datetime(2020-06-15 00:00:01)',
    'time(106751.00:00:00)',
    'false',
    'dynamic(4294967297)',
    'guid(null)',
  ],
  [
    '255',
    'int(-2147483648)',
    '0.1',
    'decimal(100)',
    '"{\\"a\\":{\\"b\\":[1,2]}}"',
    'datetime(2021-01-03)',
    'time(-00:00:00.0000001)',
    'true',
    'dynamic(["a","B",null,1.5,{"k":1},[2]])',
    'guid(null)',
  ],
  [
    '1709212455',
    'int(7)',
    'real(inf)',
    'decimal(0.5)',
    '"0x1F"',
    'datetime(2024-12-30 23:59:59)',
    'time(23:59:59.9999999)',
    'true',
    'dynamic(true)',
    'guid(null)',
  ],
  [
    '-1',
    'int(1)',
    'real(-0.0)',
    'decimal(-7.5)',
    '"aGVsbG8="',
    'datetime(1970-01-01)',
    'time(365.00:00:00)',
    'false',
    'dynamic("")',
    'guid(null)',
  ],
  [
    '86400',
    'int(-1)',
    '123456789.98765433',
    'decimal(1.005)',
    '"2024-02-29T10:20:30.5Z"',
    'datetime(2016-02-28 12:00:00)',
    'time(1h)',
    'true',
    'dynamic([0.1,0.2,3,-1.5,10])',
    'guid(null)',
  ],
  [
    '12',
    'int(12)',
    '0.5',
    'decimal(3)',
    '"1.5e3"',
    'datetime(2015-03-29 01:30:00)',
    'time(90s)',
    'true',
    'dynamic({"a":"x","b":{"c":[true,false]}})',
    'guid(null)',
  ],
];

const operators = `i+j|i-j|i*2|i*i|i/2|i/j|i%3|i%j|j%2|-i|-j|-x|-m|-d|x/2|x%2|x%0.0|x/0|j*x|j/2|m+1|m*2|m*m|m/3|m/0|m%2|m-m|x+i|x*x|t+d|t-d|t-datetime(2000-01-01)|
d*2|d*x|d*m|x*d|d/2|d/x|d/1h|d%1h|d/d|o+1|o*2|o-0.5|-o|o/2|o%2|i==j|i!=j|i<>j|i<j|i<=j|i>j|i>=j|i==1|i!=1|x==x|x!=x|x<1|x>=j|x==1.5|x==real(nan)|x!=1.5|m==2.25|m<j|m>x|m==m|s=="Hello, World 12"|s!="x"|s==s|
t>datetime(2010-01-01)|t==t|t<=t|d>1h|d==d|b==true|b!=b|b==b|g==g|g!=guid(0e4f1c5a-1111-2222-3333-444444444444)|o=="12"|o==1.5|o==i|o==d|o==true|o<2|o!=1|not(b)|b and i>0|b or i>0|i>0 and b|x>0 or b|
i between (0 .. 5)|i !between (j .. i)|x between (-3.0 .. 2.0)|x between (x .. 2.0)|x between (0.0 .. x)|x !between (-3.0 .. 2.0)|m between (0 .. 3)|t between (datetime(2000-01-01) .. datetime(2025-01-01))|
t between (datetime(2024-02-28) .. 2d)|t !between (t .. t)|d between (0h .. 1d)|i between (j .. 5)|i in (1,2)|i in (j,12)|i !in (1,2)|x in (1.5,real(nan))|s in ("a","Hello, World 12")|s in~ ("HELLO, WORLD 12","äö ñ i ß ﬁ σ 👍🏽 'q' a.b/c?x=1&y=2")|
s !in ("a")|s !in~ ("hello, world 12")|s in (dynamic(["10.1.2.3",null]))|i in (dynamic([1,255,"12",[0]]))|j in (o)|i in (o)|s in (o)|x in (o)|s in~ (o)|o in ("12","x")|o in (1,2)|o in (dynamic(["12"]))|b in (true)|t in (t)|d in (1h,1d)|m in (1,2.25)|
s has "hello"|s has_cs "Hello"|s !has "x"|s has s|s has ""|s has o|s !has_cs "hello"|s hasprefix "wor"|s !hasprefix "wor"|s hasprefix_cs "Wor"|s !hasprefix_cs "wor"|s hassuffix "ld"|s !hassuffix "ld"|s hassuffix_cs "ld"|s !hassuffix_cs "LD"|
s contains "LL"|s contains "ss"|s contains "σ"|s !contains "LL"|s contains_cs "ll"|s !contains_cs "LL"|o contains "A"|s startswith "he"|s startswith "äö"|s !startswith "he"|s startswith_cs "He"|s !startswith_cs "he"|s endswith "12"|s !endswith "12"|s endswith_cs "12"|s !endswith_cs "12"|
s =~ "hello, world 12"|s !~ "hello, world 12"|s =~ s|o =~ "12"|s matches regex "[0-9]+"|s has_any ("hello","x")|s has_any (o)|s has_any (dynamic(["q",12]))|s has_all ("hello","world")|s has_all (dynamic(["hello"]))|s has_all (o)|o has "a"`;

const conditions = `iff(b,i,j)|iff(b,x,i)|iff(b,s,"z")|iif(b,o,dynamic([1]))|iff(i>0,t,datetime(null))|case(i>0,"p",i<0,"n","z")|case(b,i,x>0,j,7)|coalesce(x,2.0)|coalesce(s,"d")|coalesce(i,j,5)|coalesce(o,dynamic([1]))|
isnull(i)|isnull(s)|isnull(x)|isnotnull(t)|isnotnull(o)|notnull(i)|isempty(s)|isnotempty(s)|notempty(o)|isempty(i)|isnull(o)|isempty(o)|max_of(i,0)|max_of(i,j)|max_of(x,i)|max_of(x,2.0,j)|min_of(i,5)|min_of(x,2.0)|max_of(t,datetime(2010-01-01))|max_of(d,1h)|max_of(s,"M")|
min_of(s,"z","b")|max_of(m,1.5)|min_of(m,j)|max_of(b,false)|around(i,5,4)|around(x,1.0,0.75)|around(t,datetime(2024-01-01),60d)|around(d,1h,30m)|around(o,2,1)`;

const conversions = `tostring(i)|tostring(j)|tostring(x)|tostring(m)|tostring(t)|tostring(d)|tostring(b)|tostring(o)|tostring(g)|tostring(s)|tolong(s)|tolong(x)|tolong(o)|tolong(m)|tolong(b)|tolong(t)|tolong(d)|toint(i)|toint(x)|toint(s)|toint(o)|toint(m)|
toreal(s)|toreal(i)|toreal(m)|toreal(o)|toreal(b)|toreal(t)|todouble(m)|todouble(s)|tobool(s)|tobool(i)|tobool(x)|tobool(o)|tobool(m)|toboolean(s)|todatetime(s)|todatetime(abs(j))|totimespan(s)|totimespan(i)|totimespan(x)|totimespan(o)|totimespan(strcat(i," days"))|totime(s)|
todecimal(x)|todecimal(s)|todecimal(i)|todecimal(o)|todecimal(b)|toguid(s)|toguid(o)|toguid("{0E4F1C5A111122223333444444444444}")|tolong(strcat(s,"1"))|tolong("0xFFFFFFFFFFFFFFFF")|toint("0xffffffff")|toreal(strcat("1e",j))|todecimal(strcat("1e",j))|
todecimal(strcat("0.",i,"5"))|toreal(strcat(" ","NaN "))|toreal(strcat("-","inf"))|tobool(strcat("+",i))|todynamic(s)|parse_json(s)|parsejson(s)|toobject(s)|parse_json(o)|dynamic_to_json(o)|dynamic_to_json(i)|gettype(o)|gettype(i)|gettype(s)|gettype(o.a)|gettype(m)`;

const texts = `strlen(s)|strlen(o)|string_size(s)|tolower(s)|toupper(s)|reverse(s)|reverse(i)|strcat(s,"-",i)|strcat(s,t,d,b)|strcat(x,m,j,g,o)|strcat_delim("-",s,i)|strcat_delim(s,i,j,x,t,b,g,o)|strcat_delim("",s,"x")|strcat_array(o,",")|strrep(s,2)|strrep(s,3,"-")|strrep(s,j)|strrep("ab",0)|
strcmp(s,"H")|strcmp(s,s)|strcmp("\\uE000",s)|substring(s,1,3)|substring(s,2)|substring(s,-3)|substring(s,-3,2)|substring(s,100)|substring(s,i,j)|indexof(s,"o")|indexof(s,"o",5)|indexof(s,"o",0,-1,2)|indexof(s,"")|indexof(s,s,j)|indexof(i,"5")|countof(s,"o")|countof(s,"[a-z]+","regex")|countof(s,"")|
split(s," ")|split(s," ",0)|split(s,"")|split(s,"o",j)|trim(" ",s)|trim("[^0-9]+",s)|trim_start("H",s)|trim_end("2",s)|replace_string(s,"l","L")|replace_string(s,"","L")|replace_string(s,"o","$&")|replace_string(s,s,"")|replace_regex(s,"[a-z]+","#")|replace_regex(s,"([a-z])([0-9])","\\\\2\\\\1")|
replace("o","0",s)|replace_strings(s,dynamic(["l","o"]),dynamic(["1","0"]))|extract("([A-Z])",1,s)|extract("([0-9]+)",1,s,typeof(long))|extract("x(y)?",1,s)|extract_all("([a-z])",s)|extract_all("([a-z])([a-z])",dynamic([2]),s)|extractall("([0-9])",s)|has_any_index(s,dynamic(["x","world"]))|indexof_regex(s,"[0-9]")|
indexof_regex(s,"o",0,-1,2)|isascii(s)|isascii(i)|isutf8(s)|regex_quote(s)|translate("lo","01",s)|unicode_codepoints_from_string(s)|to_utf8(s)|unicode_codepoints_to_string(i)|unicode_codepoints_to_string(dynamic([65,66]),j)|make_string(72,j)|tohex(i)|tohex(j)|tohex(i,20)|tohex(j,3)|
base64_encode_tostring(s)|base64_encodestring(s)|base64_decode_tostring(s)|base64_decodestring(s)|base64_decode_toarray(s)|base64_encode_fromarray(o)|base64_encode_fromguid(g)|base64_decode_toguid(s)|url_encode(s)|url_encode_component(s)|url_decode(s)|gzip_compress_to_base64_string(s)|gzip_decompress_from_base64_string(s)|
gzip_decompress_from_base64_string(gzip_compress_to_base64_string(s))|zlib_compress_to_base64_string(s)|zlib_decompress_from_base64_string(zlib_compress_to_base64_string(s))|punycode_from_string(s)|punycode_to_string(s)|punycode_domain_to_string(s)|punycode_domain_from_string(s)|hash_md5(s)|hash_sha1(i)|hash_sha256(s)|
parse_csv(s)|parse_url(s)|parseurl(s)|parse_urlquery(s)|parseurlquery(s)|parse_path(s)|parse_command_line(s,"windows")|parse_version(s)|parse_version("1.2.3")|parse_version(strcat("9.",j))|parse_xml(s)|parse_user_agent(s,"browser")|extract_json("$.a",tostring(o))|extract_json("$.a",tostring(o),typeof(dynamic))|extract("[0-9]+",0,s,typeof(dynamic))|extract("[0-9]+",0,s,typeof(long))|extractjson("$.a.b[1]",s)|
format_bytes(i)|format_bytes(x,2)|format_bytes(i,1,"KB")|format_bytes(i,1,"zz")|estimate_data_size(s)|parse_ipv4(s)|parse_ipv4_mask(s,24)|parse_ipv6(s)|parse_ipv6_mask(s,24)|ipv4_compare(s,"10.1.2.4")|ipv4_compare(s,"10.1.2.4",24)|ipv4_is_match(s,"10.1.2.0/24")|ipv6_compare(s,"::1")|ipv6_is_match(s,"10.1.2.3")|
ipv4_is_in_range(s,"10.0.0.0/8")|ipv6_is_in_range(s,"::/0")|ipv4_is_in_any_range(s,"11.0.0.0/8","10.0.0.0/8")|ipv4_is_in_any_range(s,dynamic(["10.0.0.0/8"]))|ipv6_is_in_any_range(s,"::/0")|ipv4_is_private(s)|ipv4_netmask_suffix(s)|ipv4_range_to_cidr_list(s,"10.1.2.9")|format_ipv4(s)|format_ipv4(i)|format_ipv4(i,16)|
format_ipv4_mask(s,24)|format_ipv4_mask(j,8)|has_ipv4(s,"10.1.2.3")|has_any_ipv4(s,"1.1.1.1","10.1.2.3")|has_any_ipv4(s,dynamic(["10.1.2.3"]))|has_ipv4_prefix(s,"10.1.")|has_any_ipv4_prefix(s,"11.","10.")`;

const numbers = `abs(j)|abs(x)|abs(d)|abs(m)|abs(i+1)|sign(x)|sign(j)|sign(i)|sign(m)|bin(i,5)|bin(j,2)|bin(x,0.5)|bin(x,x)|bin(t,1h)|bin(d,1h)|bin(i,j)|bin(i,-1)|bin(m,2)|bin(x,2)|bin(i,0.5)|bin(t,7d)|floor(x,1)|floor(i,10)|floor(d,1s)|bin_at(j,5,1)|bin_at(x,2.5,7.0)|bin_at(t,1d,datetime(2020-01-01 06:00:00))|bin_at(d,1h,15m)|
ceiling(x)|ceiling(i)|ceiling(m)|round(x)|round(x,1)|round(x,-2)|round(i)|round(m)|round(m,1)|round(j,-1)|sqrt(x)|pow(x,2)|pow(x,0.5)|pow(1.0,x)|pow(-1.0,x)|pow(2,j)|exp(x)|exp2(x)|exp10(x)|log(x)|log10(x)|log2(x)|log(i)|sin(x)|cos(x)|tan(x)|cot(x)|asin(x)|acos(x)|atan(x)|atan2(x,1.0)|
atan2(x,x)|radians(x)|degrees(x)|isnan(x)|isinf(x)|isfinite(x)|isnan(i)|gamma(x)|loggamma(x)|erf(x)|erfc(x)|beta_cdf(x,10.0,50.0)|beta_pdf(x,10.0,50.0)|beta_inv(x,10.0,50.0)|welch_test(x,1.0,10,0.1,2.0,20)|binary_and(i,3)|binary_or(i,j)|binary_xor(i,3)|binary_not(i)|binary_shift_left(i,3)|binary_shift_left(j,i)|binary_shift_right(i,2)|
bitset_count_ones(i)|bitset_count_ones(j)|hash(s)|hash(i)|hash(j)|hash(x)|hash(m)|hash(t)|hash(d)|hash(b)|hash(g)|hash(i,10)|hash(s,j)|hash_xxhash64(s)|hash_xxhash64(s,7)|convert_angle(x,"Degree","Radian")|convert_length(x,"Meter","Foot")|convert_mass(x,"Gram","Pound")|convert_energy(x,"Joule","Calorie")|convert_force(x,"Newton","Dyn")|
convert_speed(x,"Knot","Mach")|convert_volume(x,"CubicMeter","CubicFoot")|convert_temperature(x,"Kelvin","DegreeCelsius")`;

const times = `dayofweek(t)|dayofmonth(t)|dayofyear(t)|monthofyear(t)|getmonth(t)|getyear(t)|hourofday(t)|week_of_year(t)|weekofyear(t)|startofday(t)|startofday(t,1)|startofweek(t)|startofweek(t,j)|startofmonth(t)|startofmonth(t,-1)|startofmonth(t,13)|startofyear(t)|startofyear(t,2)|endofday(t)|endofweek(t)|endofweek(t,1)|
endofmonth(t)|endofmonth(t,1)|endofyear(t)|datetime_add("month",1,t)|datetime_add("year",j,t)|datetime_add("week",1,t)|datetime_diff("day",t,datetime(2000-01-01))|datetime_diff("week",t,datetime(2000-01-01))|datetime_diff("month",t,t)|datetime_part("hour",t)|datetime_part("week_of_year",t)|datepart("Quarter",t)|
datetime_utc_to_local(t,"Europe/Berlin")|datetime_local_to_utc(t,"US/Pacific")|format_datetime(t,"yyyy-MM-dd HH:mm:ss.fff tt")|format_datetime(t,"y/M/d h:m:s.FFFFFFF")|format_timespan(d,"d.hh:mm:ss")|format_timespan(d,"ddd H:m:s.FFF")|make_datetime(2024,j,1)|make_datetime(2024,1,2,3,j)|make_datetime(2024,1,2,3,4,x)|make_datetime(s)|
make_timespan(1,j)|make_timespan(j,2,3)|make_timespan(1,2,j,x)|make_timespan(s)|unixtime_seconds_todatetime(j)|unixtime_seconds_todatetime(i)|unixtime_seconds_todatetime(x)|unixtime_milliseconds_todatetime(i)|unixtime_microseconds_todatetime(i)|unixtime_nanoseconds_todatetime(i)`;

const dynamics = `o.a|o.b[1]|o.b[-1]|o.b[j]|o.c.d|o[0]|o[-2]|o[j]|o["a"]|o[""]|o["*"]|o[s]|o[strcat("*","")]|o[tostring(int(null))]|o.b|o[5]|o["b"][0]|array_length(o)|array_length(o.b)|arraylength(o)|array_concat(o,dynamic([9]))|array_concat(o)|array_concat(o,o.b)|array_slice(o,0,1)|array_slice(o,-2,-1)|array_reverse(o)|array_sort_asc(o)|array_sort_desc(o)|array_sort_asc(o,false)|
array_sort_asc(o,o)|array_sort_asc(o,o)[1]|array_sum(o)|array_index_of(o,1)|array_index_of(o,1,2)|array_index_of(o,"B")|array_index_of(o,i)|array_iff(dynamic([true,false,1,null]),o,0)|array_iif(o,1,2)|array_rotate_left(o,1)|array_rotate_right(o,j)|array_shift_left(o,1)|array_shift_left(o,-1,7)|array_shift_right(o,1,"z")|array_split(o,1)|
array_split(o,dynamic([1,-1]))|array_strcat(o,",")|set_union(o,dynamic([9,1]))|set_intersect(o,dynamic([1,2]))|set_difference(o,dynamic([1]))|set_has_element(o,1)|set_has_element(o,s)|set_equals(o,dynamic([1,2,3]))|jaccard_index(o,dynamic([1,5]))|zip(o,o)|zip(o,dynamic([1]))|repeat(i,3)|repeat(s,j)|repeat(x,-1)|range(1,j)|
range(j,10,3)|range(1.0,x,100.0)|range(datetime(2024-01-01),datetime(2024-01-03),1d)|range(0h,d,12h)|range(5,1,-2)|pack_array(i,s,x,t)|pack_array(j,m,b,d,g,o)|pack("a",i,"b",s)|pack_dictionary("a",x)|bag_pack("a",x,s,o)|bag_merge(o,dynamic({"z":1,"a":2}))|bag_merge(dynamic({"a":9}),o)|
bag_keys(o)|bag_has_key(o,"a")|bag_has_key(o,"$.b")|bag_set_key(o,"q",i)|bag_set_key(o,"$.b.c",s)|bag_remove_keys(o,dynamic(["a","$.b.c"]))|bag_zip(o,dynamic([1,2]))|bag_zip(dynamic(["a","b"]),o)|treepath(o)|assert(true,s)`;

const series = `series_sum(o)|series_product(o)|series_magnitude(o)|series_dot_product(o,o)|series_add(o,o)|series_subtract(o,dynamic([1,2,3,4]))|series_multiply(o,2)|series_divide(o,o)|series_pow(o,2)|series_abs(o)|series_ceiling(o)|series_floor(o)|series_sign(o)|series_exp(o)|series_log(o)|series_sin(o)|series_cos(o)|series_tan(o)|series_asin(o)|series_acos(o)|series_atan(o)|
series_less(o,o)|series_less_equals(o,2)|series_greater(o,1)|series_greater_equals(o,o)|series_equals(o,o)|series_not_equals(o,o)|series_stats(o)|series_stats(o)[3]|series_stats_dynamic(o)|series_fill_const(o,0)|series_fill_forward(o)|series_fill_backward(o)|series_fill_linear(o)|series_fir(o,dynamic([1,1]))|series_iir(o,dynamic([1]),dynamic([1,-1]))|
series_fft(o)|series_ifft(o)|series_fit_line(o)|series_fit_line_dynamic(o)|series_fit_2lines(o)|series_fit_2lines_dynamic(o)|series_fit_poly(o)|series_fit_poly(o,o,2)|series_fit_poly(o,o,2.5)|repeat(o,2)|series_pearson_correlation(o,dynamic([1,2,3,5]))|series_cosine_similarity(o,o)|series_outliers(o)|series_periods_detect(o,1.0,5.0,2)|series_periods_validate(o,2.0)|series_seasonal(o)|
series_decompose(o)|series_decompose_anomalies(o)|series_decompose_forecast(o,1)`;

const families = { operators, conditions, conversions, texts, numbers, times, dynamics, series };
export const cases: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(families).map(([family, list]) => [family, list.replaceAll('\n', '').split('|')]),
);
