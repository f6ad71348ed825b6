/** Says what opens the bytes of the answer, as JSON: the text that Azure Storage keeps in a blob's metadata under this name. */
export const encryptionDataHeader = 'x-ms-meta-encryptiondata';
