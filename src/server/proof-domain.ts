/** What is signed begins so, and nothing else that the key may ever sign. */
export const proofDomain = 'kustody proof v1\n';
