import type { FastifyInstance } from 'fastify';
import { database } from '../config/database';

export default async function mintRoutes(app: FastifyInstance): Promise<void> {
  app.get('/mints', async () => database()('mints').select('*').limit(50));
}
