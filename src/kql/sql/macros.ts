/** `2024-01-31`, `2024-01-31 10:20:30.1234567Z`, also with `T`; days that do not exist among them. */
const isoDatetime = String.raw`(?:000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d\d\d)-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z?)?`;

/** In a text that DuckDB takes for JSON: a blank beside a sign that may be no part of a string, a number that is none, a comma at an end. */
const unlikeJson = String.raw`[:,\[{]\s|\s[\]},:]|[:,\[]-?[nNiI][aAnN]|,[\]}]|\s$`;

/** SQL macros behind the generated SQL: name(parameters) and body. They are expressions, expanded in place by DuckDB.
 * Ticks: 100 ns since 0001-01-01; 621355968000000000 of them until 1970. */
export const macros: readonly (readonly [string, string])[] = [
  [
    'kql_wrap(x)',
    `CAST(((((x)::HUGEINT + 9223372036854775808) % 18446744073709551616 + 18446744073709551616) % 18446744073709551616) - 9223372036854775808 AS BIGINT)`,
  ],
  ['kql_ts(t)', `make_timestamp((t) // 10 - 62135596800000000)`],
  ['kql_ticks(ts)', `(epoch_us(ts) * 10 + 621355968000000000)`],
  ['kql_floor_mod(a, b)', `((((a) % (b)) + abs(b)) % abs(b))`],
  ['kql_text_of_bool(x)', `CASE WHEN x IS NULL THEN '' WHEN x THEN 'True' ELSE 'False' END`],
  // Texts of more than 15 digits are for the native functions: the engine has digits of its own there.
  [
    'kql_text_of_real(x)',
    `CASE WHEN x IS NULL THEN '' WHEN NOT isfinite(x) OR abs(x) >= 1e15 OR (abs(x) < 1e-4 AND x <> 0) OR length(CAST(x AS VARCHAR)) > 16 THEN kql_n_real_text(x)
      ELSE CAST(x AS VARCHAR) END`,
  ],
  [
    'kql_json_of_real(x)',
    `CASE WHEN isfinite(x) AND abs(x) < 1e15 AND (abs(x) >= 1e-4 OR x = 0) AND length(CAST(x AS VARCHAR)) <= 16 THEN CAST(x AS VARCHAR) ELSE kql_n_real_json(x) END`,
  ],
  [
    'kql_text_of_decimal(x)',
    `coalesce(regexp_replace(regexp_replace(CAST(x AS VARCHAR), '(\\.[0-9]*?)0+$', '\\1'), '\\.$', ''), '')`,
  ],
  ['kql_json_of_decimal(x)', `CASE WHEN x IS NOT NULL THEN '"' || kql_text_of_decimal(x) || '"' END`],
  ['kql_json_of_bool(x)', `CASE WHEN x THEN 'true' WHEN NOT x THEN 'false' END`],
  [
    'kql_text_of_datetime(t)',
    `coalesce(strftime(kql_ts(t), '%Y-%m-%dT%H:%M:%S.') || lpad(CAST((t) % 10000000 AS VARCHAR), 7, '0') || 'Z', '')`,
  ],
  [
    'kql_json_of_datetime(t)',
    `'"' || strftime(kql_ts(t), '%Y-%m-%dT%H:%M:%S.') || lpad(CAST((t) % 10000000 AS VARCHAR), 7, '0') || 'Z"'`,
  ],
  [
    'kql_timespan_body(t)',
    `CASE WHEN (t) < 0 THEN '-' ELSE '' END || CASE WHEN abs(t) >= 864000000000 THEN CAST(abs(t) // 864000000000 AS VARCHAR) || '.' ELSE '' END
      || lpad(CAST(abs(t) // 36000000000 % 24 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(t) // 600000000 % 60 AS VARCHAR), 2, '0')
      || ':' || lpad(CAST(abs(t) // 10000000 % 60 AS VARCHAR), 2, '0')
      || CASE WHEN (t) % 10000000 <> 0 THEN '.' || lpad(CAST(abs(t) % 10000000 AS VARCHAR), 7, '0') ELSE '' END`,
  ],
  ['kql_text_of_timespan(t)', `coalesce(kql_timespan_body(t), '')`],
  ['kql_json_of_timespan(t)', `'"' || kql_timespan_body(t) || '"'`],
  ['kql_json_of_guid(x)', `'"' || CAST(x AS VARCHAR) || '"'`],
  ['kql_json_of_text(s)', `CAST(to_json(CAST(s AS VARCHAR)) AS VARCHAR)`],
  // Out of range goes to the nearest end; NaN and infinities are null.
  ['kql_int_wrapped(x)', `CAST((((x) % 4294967296 + 4294967296 + 2147483648) % 4294967296) - 2147483648 AS INTEGER)`],
  [
    'kql_int_of_real(x)',
    `CASE WHEN isfinite(x) THEN CAST(greatest(least(trunc(x), 2147483647), -2147483648) AS INTEGER) END`,
  ],
  [
    'kql_long_of_real(x)',
    `CASE WHEN NOT isfinite(x) THEN NULL WHEN x >= 9223372036854775807 THEN 9223372036854775807 WHEN x <= -9223372036854775808 THEN (-9223372036854775808)::BIGINT ELSE CAST(trunc(x) AS BIGINT) END`,
  ],
  [
    'kql_bool_of_text(s)',
    `CASE WHEN lower(trim(s)) = 'true' THEN true WHEN lower(trim(s)) = 'false' THEN false WHEN regexp_full_match(trim(s), '[+-]?[0-9]+') THEN TRY_CAST(trim(s) AS BIGINT) <> 0 END`,
  ],
  // Natives stay out of what filters use: they would keep DuckDB from pushing the filter into the scan.
  [
    'kql_long_of_text(s)',
    `CASE WHEN regexp_full_match(s, '\\s*([+-]?[0-9]+|0[xX][0-9a-fA-F]+)\\s*') THEN CASE WHEN regexp_full_match(s, '\\s*0[xX][89a-fA-F][0-9a-fA-F]{15}\\s*') THEN TRY_CAST(TRY_CAST(('0x' || substr(trim(s), 4)) AS BIGINT) + (strpos('01234567', translate(substr(trim(s), 3, 1), '89abcdefABCDEF', '01234567234567')) - 9)::BIGINT * 1152921504606846976 AS BIGINT) ELSE TRY_CAST(trim(s) AS BIGINT) END END`,
  ],
  [
    'kql_int_of_text(s)',
    `CASE WHEN regexp_full_match(s, '\\s*([+-]?[0-9]+|0[xX][0-9a-fA-F]+)\\s*') THEN TRY_CAST(trim(s) AS INTEGER) END`,
  ],
  [
    'kql_real_of_text(s)',
    `CASE WHEN regexp_full_match(s, '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*') THEN TRY_CAST(trim(s) AS DOUBLE)
      WHEN regexp_full_match(lower(trim(s)), 'nan') THEN 'NaN'::DOUBLE WHEN regexp_full_match(lower(trim(s)), '[+]?inf(inity)?') THEN 'Infinity'::DOUBLE
      WHEN regexp_full_match(lower(trim(s)), '-inf(inity)?') THEN '-Infinity'::DOUBLE END`,
  ],
  [
    'kql_decimal_of_text(s)',
    `CASE WHEN regexp_full_match(s, '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*') THEN TRY_CAST(trim(s) AS DECIMAL(38,18)) END`,
  ],
  // The frequent ISO forms need no native function, which costs twenty times as much.
  [
    'kql_datetime_of_text(s)',
    `CASE WHEN regexp_full_match(s, '${isoDatetime}') THEN coalesce(kql_ticks(TRY_CAST(left(s, 19) AS TIMESTAMP))
      + CAST(rpad(rtrim(substr(s, 21), 'Z'), 7, '0') AS BIGINT), kql_n_datetime_of_text(s)) ELSE kql_n_datetime_of_text(s) END`,
  ],
  // JSON without blanks between its parts stays as it is. What only DuckDB takes for JSON (NaN, a last comma) does not.
  [
    'kql_parse_json(s)',
    `CASE WHEN ascii(s) IN (91, 123) AND json_valid(s) AND NOT regexp_matches(s, '${unlikeJson}') THEN s ELSE kql_n_parse_json(s) END`,
  ],
  ['kql_timespan_of_text(s)', `kql_n_timespan_of_text(s)`],
  // What follows the 32nd digit is not looked at.
  [
    'kql_guid_of_text(s)',
    `TRY_CAST(coalesce(nullif(regexp_extract(trim(s, ' {}()'), '^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}'), ''), trim(s, ' {}()')) AS UUID)`,
  ],
  // dynamic
  ['kql_json(x)', `nullif(CAST(x AS VARCHAR), 'null')`],
  // Not by way of DuckDB's JSON, which would write the numbers anew.
  [
    'kql_text_of_json(j)',
    `coalesce(CASE WHEN starts_with(j, '"') THEN json_extract_string(j, '$') ELSE nullif(j, 'null') END, '')`,
  ],
  [
    'kql_long_of_json(j)',
    `CASE json_type(j) WHEN 'VARCHAR' THEN kql_long_of_text(json_extract_string(j, '$')) WHEN 'DOUBLE' THEN kql_long_of_real(TRY_CAST(j AS DOUBLE))
      WHEN 'BOOLEAN' THEN CASE j WHEN 'true' THEN 1 ELSE 0 END ELSE TRY_CAST(j AS BIGINT) END`,
  ],
  [
    'kql_int_of_json(j)',
    `CASE json_type(j) WHEN 'VARCHAR' THEN kql_int_of_text(json_extract_string(j, '$')) WHEN 'DOUBLE' THEN kql_int_of_real(TRY_CAST(j AS DOUBLE)) ELSE kql_int_wrapped(kql_long_of_json(j)) END`,
  ],
  [
    'kql_real_of_json(j)',
    `CASE json_type(j) WHEN 'VARCHAR' THEN kql_real_of_text(json_extract_string(j, '$')) WHEN 'BOOLEAN' THEN CASE j WHEN 'true' THEN 1e0 ELSE 0e0 END ELSE TRY_CAST(j AS DOUBLE) END`,
  ],
  ['kql_decimal_of_json(j)', `kql_decimal_of_text(json_extract_string(j, '$'))`],
  [
    'kql_bool_of_json(j)',
    `CASE json_type(j) WHEN 'BOOLEAN' THEN j = 'true' WHEN 'VARCHAR' THEN coalesce(kql_bool_of_text(json_extract_string(j, '$')), CASE WHEN kql_long_of_text(json_extract_string(j, '$')) <> 0 THEN true END) ELSE TRY_CAST(j AS DOUBLE) <> 0 END`,
  ],
  [
    'kql_datetime_of_json(j)',
    `CASE json_type(j) WHEN 'VARCHAR' THEN kql_datetime_of_text(json_extract_string(j, '$')) ELSE TRY_CAST(j AS BIGINT) END`,
  ],
  [
    'kql_timespan_of_json(j)',
    `CASE json_type(j) WHEN 'VARCHAR' THEN kql_timespan_of_text(json_extract_string(j, '$')) ELSE TRY_CAST(j AS BIGINT) END`,
  ],
  ['kql_guid_of_json(j)', `kql_guid_of_text(json_extract_string(j, '$'))`],
  // A constant path is read even where its branch is not taken, and a path without a name is an error.
  ['kql_path_key(k)', `'$."' || replace(replace(nullif(k, ''), '\\', '\\\\'), '"', '\\"') || '"'`],
  // An array as a list of JSON texts; a bag as one-key bags; anything else as itself.
  ['kql_elements(j)', `CASE json_type(j) WHEN 'ARRAY' THEN json_extract(j, '$[*]') ELSE NULL END`],
  // calendar
  ['kql_day(t)', `((t) - kql_floor_mod(t, 864000000000))`],
  ['kql_in_calendar(t)', `CASE WHEN (t) BETWEEN 0 AND 3155378975999999999 THEN (t) END`],
  ['kql_weekday(t)', `(((t) // 864000000000 + 1) % 7)`],
];

/** Macros that may call functions in JavaScript, themselves or by others. */
const nativeMacros = macros.reduce<readonly string[]>((names, [signature, body]) => {
  const name = signature.slice(0, signature.indexOf('('));
  const calls = body.includes('kql_n_') || names.some((other) => body.includes(`${other}(`));
  return calls ? [...names, name] : names;
}, []);
const nativeCall = new RegExp(`\\b(?:kql_n_\\w+|${nativeMacros.join('|')})\\(`);

/** Whether functions in JavaScript may be called for a statement. */
export const callsNatives = (sql: string): boolean => nativeCall.test(sql);
