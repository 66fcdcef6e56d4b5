export { createLogger } from './logger';
export { connectDocuments } from './documents';
