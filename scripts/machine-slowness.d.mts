export function machineSlowness(times?: number, atOnce?: number): Promise<number>;
