import type { Region } from './names.ts';

/** Regions of the public cloud by geography: what is sealed in one cannot be opened in another.
 * @see Azure geographies; the security worlds of Key Vault */
const regionsOf: Readonly<Record<string, string>> = {
  unitedstates:
    'centralus eastus eastus2 northcentralus southcentralus westcentralus westus westus2 westus3 centraluseuap eastus2euap',
  canada: 'canadacentral canadaeast',
  brazil: 'brazilsouth brazilsoutheast',
  europe: 'northeurope westeurope',
  france: 'francecentral francesouth',
  germany: 'germanynorth germanywestcentral',
  norway: 'norwayeast norwaywest',
  sweden: 'swedencentral swedensouth',
  switzerland: 'switzerlandnorth switzerlandwest',
  unitedkingdom: 'uksouth ukwest',
  unitedarabemirates: 'uaecentral uaenorth',
  southafrica: 'southafricanorth southafricawest',
  australia: 'australiacentral australiacentral2 australiaeast australiasoutheast',
  india: 'centralindia southindia westindia jioindiacentral jioindiawest',
  asiapacific: 'eastasia southeastasia',
  japan: 'japaneast japanwest',
  korea: 'koreacentral koreasouth',
};

const geographies = new Map(
  Object.entries(regionsOf).flatMap(([geography, names]) => names.split(' ').map((name) => [name, geography])),
);

/** @returns the region's own name where it is the only one of its geography */
export const geographyOf = (region: Region): string => geographies.get(region) ?? region;
