import type { Region } from '../base/names.ts';
import { parseRegion } from '../base/names.ts';

export interface Location {
  /** `eastus` */
  readonly name: string;
  /** `East US` */
  readonly displayName: string;
  /** As `list locations` groups them: `US`, `Europe`, … */
  readonly geographyGroup: string;
}

const regionsByGeographyGroup: Readonly<Record<string, readonly string[]>> = {
  US: [
    'Central US',
    'East US',
    'East US 2',
    'North Central US',
    'South Central US',
    'West Central US',
    'West US',
    'West US 2',
    'West US 3',
  ],
  Canada: ['Canada Central', 'Canada East'],
  Mexico: ['Mexico Central'],
  'South America': ['Brazil South', 'Brazil Southeast', 'Chile Central'],
  Europe: [
    'Austria East',
    'Belgium Central',
    'France Central',
    'France South',
    'Germany North',
    'Germany West Central',
    'Italy North',
    'North Europe',
    'Norway East',
    'Norway West',
    'Poland Central',
    'Spain Central',
    'Sweden Central',
    'Sweden South',
    'Switzerland North',
    'Switzerland West',
    'UK South',
    'UK West',
    'West Europe',
  ],
  'Middle East': ['Israel Central', 'Qatar Central', 'UAE Central', 'UAE North'],
  Africa: ['South Africa North', 'South Africa West'],
  'Asia Pacific': [
    'Australia Central',
    'Australia Central 2',
    'Australia East',
    'Australia Southeast',
    'Central India',
    'East Asia',
    'Indonesia Central',
    'Japan East',
    'Japan West',
    'Jio India Central',
    'Jio India West',
    'Korea Central',
    'Korea South',
    'Malaysia West',
    'New Zealand North',
    'South India',
    'Southeast Asia',
    'West India',
  ],
};

/** The physical regions of the public cloud. */
export const locations: readonly Location[] = Object.entries(regionsByGeographyGroup).flatMap(
  ([geographyGroup, names]) =>
    names.map((displayName) => ({ name: displayName.replaceAll(' ', '').toLowerCase(), displayName, geographyGroup })),
);

export const locationDisplayNames: readonly string[] = locations.map((location) => location.displayName);

const locationByName = new Map(locations.map((location) => [location.name, location]));

/** Takes `East US`, `eastus` and `EastUS` alike. @returns undefined for what is no region of the public cloud */
export const findLocation = (text: string): Location | undefined => locationByName.get(parseRegion(text) ?? '');

/** @returns the short form of a known region */
export const knownRegion = (text: string): Region | undefined => parseRegion(findLocation(text)?.name ?? '');

/** Compares after removing spaces and case. */
export const isSameLocation = (left: string, right: string): boolean =>
  left.replaceAll(' ', '').toLowerCase() === right.replaceAll(' ', '').toLowerCase();
