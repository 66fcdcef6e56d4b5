import 'dotenv/config';
import fastify from 'fastify';
import { openDatabase } from './config/database';
import healthRoutes from './routes/health';
import mintRoutes from './routes/mint';
import { startBalanceMonitor, stopBalanceMonitor } from './services/balance-monitor';
import { startMintWorker } from './workers/mint-worker';

async function main(): Promise<void> {
  await openDatabase();
  startMintWorker();
  startBalanceMonitor(async () => undefined);

  const app = fastify();
  await app.register(healthRoutes);
  await app.register(mintRoutes, { prefix: '/api' });

  const port = parseInt(process.env.MINTING_SERVICE_PORT || '3018', 10);
  await app.listen({ port, host: '0.0.0.0' });

  // Too late, and the worker and the database are left running.
  process.on('SIGTERM', async () => {
    stopBalanceMonitor();
    await app.close();
    process.exit(0);
  });
}

main().catch((error) => {
  console.error('minting-service did not start', error);
  process.exit(1);
});
