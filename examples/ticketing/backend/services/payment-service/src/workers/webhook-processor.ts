import { Database } from '../services/database';

let timer: NodeJS.Timeout | undefined;

export const webhookProcessor = {
  start(): void {
    timer = setInterval(() => void Database.get()('payments').count(), 5_000);
  },
  /** Nobody calls it. */
  stop(): void {
    clearInterval(timer);
  },
};
