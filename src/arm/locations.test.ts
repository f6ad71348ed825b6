import { describe, expect, it } from 'vitest';
import { findLocation, isSameLocation, knownRegion, locations } from './locations.ts';

describe('locations', () => {
  it('finds a region in any form', () => {
    for (const text of ['East US', 'eastus', 'EastUS', 'EAST us'])
      expect(findLocation(text)?.displayName).toBe('East US');
    expect(knownRegion('West Europe')).toBe('westeurope');
    expect(findLocation('Atlantis')).toBeUndefined();
    expect(findLocation('')).toBeUndefined();
  });

  it('compares after removing spaces and case', () => {
    expect(isSameLocation('West US 2', 'westus2')).toBe(true);
    expect(isSameLocation('West US 2', 'West US')).toBe(false);
  });

  it('has each region once', () => {
    expect(new Set(locations.map((location) => location.name)).size).toBe(locations.length);
    expect(locations.length).toBeGreaterThan(55);
  });
});
