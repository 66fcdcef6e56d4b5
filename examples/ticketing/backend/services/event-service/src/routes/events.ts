import type { FastifyInstance } from 'fastify';
import { db } from '../config/database';
import { requireToken } from '../middleware/auth';

export default async function eventRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('preHandler', requireToken);
  app.get('/events', async () => db('events').select('*').limit(50));
}
