import { Option } from 'commander';

export const signWithOption = (): Option =>
  new Option(
    '--sign-with <KEY-ID>',
    "sign with this EC or RSA key of a vault of the instance, not with the instance's own key; never one that data is under",
  );
