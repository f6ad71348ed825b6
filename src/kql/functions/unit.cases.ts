import type { FunctionCases } from './case-rows.ts';

export const unitCases: FunctionCases = {
  format_bytes: ['format_bytes(i)', 'format_bytes(x,2)', 'format_bytes(i,1,"KB")', 'format_bytes(i,1,"zz")'],
  convert_angle: ['convert_angle(x,"Degree","Radian")'],
  convert_length: ['convert_length(x,"Meter","Foot")'],
  convert_mass: ['convert_mass(x,"Gram","Pound")'],
  convert_energy: ['convert_energy(x,"Joule","Calorie")'],
  convert_force: ['convert_force(x,"Newton","Dyn")'],
  convert_speed: ['convert_speed(x,"Knot","Mach")'],
  convert_volume: ['convert_volume(x,"CubicMeter","CubicFoot")'],
  convert_temperature: ['convert_temperature(x,"Kelvin","DegreeCelsius")'],
};
