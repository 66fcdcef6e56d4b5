import { readSecrets } from '../../../../shared/utils/secrets-manager';
import { COMMON_SECRETS } from '../../../../shared/config/secrets.config';

export const loadSecrets = (): Record<string, string> => readSecrets(COMMON_SECRETS);
