import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

/** Units of one quantity by name: how many base units one of them is. */
type Units = Readonly<Record<string, number>>;

const factorUnits = (name: string, units: Units): FunctionRow =>
  native(name, ['real', 'string', 'string'], 'real', ([value, from, to]) => {
    const [a, b] = [units[String(from)], units[String(to)]];
    return a === undefined || b === undefined ? null : (Number(value) * a) / b;
  });

const si: readonly (readonly [string, number])[] = [
  ['Femto', 1e-15],
  ['Pico', 1e-12],
  ['Nano', 1e-9],
  ['Micro', 1e-6],
  ['Milli', 1e-3],
  ['Centi', 1e-2],
  ['Deci', 1e-1],
  ['Deca', 1e1],
  ['Hecto', 1e2],
  ['Kilo', 1e3],
  ['Mega', 1e6],
  ['Giga', 1e9],
  ['Tera', 1e12],
  ['Peta', 1e15],
];
const prefixed = (unit: string, size: number, power = 1): Units =>
  Object.fromEntries([
    [unit.charAt(0).toUpperCase() + unit.slice(1), size],
    ...si.map(([prefix, factor]) => [prefix + unit, size * factor ** power] as const),
  ]);
const cubic = (units: Units): Units =>
  Object.fromEntries(Object.entries(units).map(([name, size]) => [`Cubic${name}`, size ** 3]));

const lengths: Units = {
  ...prefixed('meter', 1),
  Inch: 0.0254,
  Foot: 0.3048,
  Yard: 0.9144,
  Mile: 1609.34,
  NauticalMile: 1852,
  AstronomicalUnit: 149_597_870_700,
  LightYear: 9.4607304725808e15,
  Parsec: 3.0856775812799584e16,
  Fathom: 1.8288,
  Hand: 0.1016,
  Mil: 0.0000254,
  Angstrom: 1e-10,
  Chain: 20.1168,
  Microinch: 2.54e-8,
  UsSurveyFoot: 1200 / 3937,
  SolarRadius: 6.9551e8,
  DataMile: 1828.8,
  DtpPica: 0.0254 / 6,
  DtpPoint: 0.0254 / 72,
  PrinterPica: 0.0254 / 6.02,
  PrinterPoint: 0.0254 / 72.27,
  Shackle: 27.432,
  Twip: 0.0254 / 1440,
};
const masses: Units = {
  ...prefixed('gram', 1e-3),
  Tonne: 1e3,
  Kilotonne: 1e6,
  Megatonne: 1e9,
  Pound: 0.45359237,
  Kilopound: 453.59237,
  Megapound: 453592.37,
  Ounce: 0.028349523125,
  Stone: 6.35029318,
  ShortTon: 907.18474,
  LongTon: 1016.0469088,
  Grain: 6.479891e-5,
  Slug: 14.593903,
  SolarMass: 1.98947e30,
  EarthMass: 5.9722e24,
  ShortHundredweight: 45.359237,
  LongHundredweight: 50.80234544,
};
const energies: Units = {
  ...prefixed('joule', 1),
  Calorie: 4.184,
  Kilocalorie: 4184,
  Megacalorie: 4.184e6,
  BritishThermalUnit: 1055.05585262,
  KilobritishThermalUnit: 1055055.85262,
  MegabritishThermalUnit: 1.05505585262e9,
  GigabritishThermalUnit: 1.05505585262e12,
  ElectronVolt: 1.602176565e-19,
  KiloelectronVolt: 1.602176565e-16,
  MegaelectronVolt: 1.602176565e-13,
  GigaelectronVolt: 1.602176565e-10,
  TeraelectronVolt: 1.602176565e-7,
  WattHour: 3600,
  KilowattHour: 3.6e6,
  MegawattHour: 3.6e9,
  GigawattHour: 3.6e12,
  TerawattHour: 3.6e15,
  WattDay: 86400,
  KilowattDay: 8.64e7,
  MegawattDay: 8.64e10,
  GigawattDay: 8.64e13,
  TerawattDay: 8.64e16,
  Erg: 1e-7,
  FootPound: 1.355817948,
  HorsepowerHour: 2.6845195377e6,
  ThermEc: 1.0550558526e8,
  ThermImperial: 1.05505585257348e8,
  ThermUs: 1.054804e8,
  DecathermEc: 1.0550558526e9,
  DecathermImperial: 1.05505585257348e9,
  DecathermUs: 1.054804e9,
};
const forces: Units = {
  ...prefixed('newton', 1),
  Dyn: 1e-5,
  KilogramForce: 9.80665,
  KiloPond: 9.80665,
  TonneForce: 9806.65,
  PoundForce: 4.4482216152605,
  KilopoundForce: 4448.2216152605,
  OunceForce: 0.2780138509537812,
  Poundal: 0.138254954376,
  ShortTonForce: 8896.443230521,
};
const angles: Units = {
  Degree: Math.PI / 180,
  Radian: 1,
  Gradian: Math.PI / 200,
  Arcminute: Math.PI / 10800,
  Arcsecond: Math.PI / 648000,
  Revolution: 2 * Math.PI,
  Centiradian: 1e-2,
  Deciradian: 1e-1,
  Milliradian: 1e-3,
  Microradian: 1e-6,
  Nanoradian: 1e-9,
  Microdegree: Math.PI / 180e6,
  Millidegree: Math.PI / 180e3,
  Nanodegree: Math.PI / 180e9,
  NatoMil: Math.PI / 3200,
  Tilt: 1,
};
const speedUnits: readonly (readonly [string, number])[] = [
  ...Object.entries(prefixed('meter', 1)),
  ['Foot', 0.3048],
  ['Inch', 0.0254],
  ['Yard', 0.9144],
  ['UsSurveyFoot', 1200 / 3937],
];
const speeds: Units = {
  ...Object.fromEntries(
    speedUnits.flatMap(
      ([name, size]) =>
        [
          [`${name}PerSecond`, size],
          [`${name}PerMinute`, size / 60],
          [`${name}PerHour`, size / 3600],
        ] as const,
    ),
  ),
  KilometerPerHour: 1 / 3.6,
  MilePerHour: 0.44704,
  Knot: 0.514444444444444,
  Mach: 340.29,
};
const volumes: Units = {
  ...cubic(lengths),
  ...prefixed('liter', 1e-3),
  AcreFoot: 1233.48183754752,
  ImperialGallon: 0.00454609,
  UsGallon: 0.003785411784,
  UsOunce: 2.95735295625e-5,
  ImperialOunce: 2.84130625e-5,
  UsPint: 4.73176473e-4,
  UsQuart: 9.46352946e-4,
  ImperialPint: 5.6826125e-4,
  UsTablespoon: 1.478676478125e-5,
  UsTeaspoon: 4.92892159375e-6,
  OilBarrel: 0.158987294928,
  UsBeerBarrel: 0.117347765304,
  ImperialBeerBarrel: 0.16365924,
  MetricCup: 2.5e-4,
};

/** To kelvin: value * scale + shift. */
const temperatures: Readonly<Record<string, readonly [number, number]>> = {
  Kelvin: [1, 0],
  DegreeCelsius: [1, 273.15],
  DegreeFahrenheit: [5 / 9, 459.67 * (5 / 9)],
  DegreeRankine: [5 / 9, 0],
  MillidegreeCelsius: [1e-3, 273.15],
  DegreeDelisle: [-2 / 3, 373.15],
  DegreeNewton: [100 / 33, 273.15],
  DegreeReaumur: [5 / 4, 273.15],
  DegreeRoemer: [40 / 21, 273.15 - 7.5 * (40 / 21)],
  SolarTemperature: [5778, 0],
};

const sizes = ['Bytes', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'];

export const unitFunctions: FunctionRows = {
  convert_length: factorUnits('convert_length', lengths),
  convert_mass: factorUnits('convert_mass', masses),
  convert_energy: factorUnits('convert_energy', energies),
  convert_force: factorUnits('convert_force', forces),
  convert_angle: factorUnits('convert_angle', angles),
  convert_speed: factorUnits('convert_speed', speeds),
  convert_volume: factorUnits('convert_volume', volumes),
  convert_temperature: native('convert_temperature', ['real', 'string', 'string'], 'real', ([value, from, to]) => {
    const [a, b] = [temperatures[String(from)], temperatures[String(to)]];
    return a && b ? (Number(value) * a[0] + a[1] - b[1]) / b[0] : null;
  }),
  format_bytes: native(
    'format_bytes',
    ['real', 'long', 'string'],
    'string',
    ([value, precision, unit]) => {
      const size = Number(value);
      const fixed = unit === '' ? -1 : sizes.findIndex((name) => name.toLowerCase() === String(unit).toLowerCase());
      if (unit !== '' && fixed < 0) return null;
      let step = 0;
      if (fixed >= 0) step = fixed;
      else while (step < sizes.length - 1 && Math.abs(size) / 1024 ** step >= 1024) step += 1;
      const scaled = size / 1024 ** step;
      return `${Number(scaled.toFixed(Math.min(Math.max(Number(precision), 0), 20)))} ${sizes[step] ?? ''}`;
    },
    { defaults: [0, ''] },
  ),
};
