export const identityType = 'Microsoft.ManagedIdentity/userAssignedIdentities';

/** This provider alone writes the groups in lower case; ids are compared without. */
export const shownId = (id: string): string => id.replace('/resourceGroups/', '/resourcegroups/');
