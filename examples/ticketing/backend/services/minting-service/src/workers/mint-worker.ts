import Queue from 'bull';
import { createLogger } from '@boxoffice/shared';
import { database } from '../config/database';

const log = createLogger('minting-service');

interface MintJob {
  ticketId: number;
}

/** Takes mint jobs from the queue until the process ends. */
export function startMintWorker(): Queue.Queue<MintJob> {
  const queue = new Queue<MintJob>('mint', process.env.REDIS_URL ?? 'redis://localhost:6379');
  void queue.process(async (job) => {
    await database()('mints').insert({ ticket_id: job.data.ticketId });
    log.info({ ticket: job.data.ticketId }, 'minted');
  });
  return queue;
}
