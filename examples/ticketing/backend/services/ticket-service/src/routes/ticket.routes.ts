import type { FastifyInstance } from 'fastify';
import { requireToken } from '../middleware/auth';
import { Database } from '../services/database';

export default async function ticketRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('preHandler', requireToken);
  app.get('/', async () => Database.get()('reservations').select('*').limit(50));
}
