import { isVenueName, type Venue } from '@boxoffice/contracts';
import type { FastifyInstance } from 'fastify';
import type { Knex } from 'knex';

export function venueRoutes(db: Knex) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/', async () => db<Venue>('venues').select('id', 'name', 'capacity').limit(100));

    app.post('/', async (request, reply) => {
      const { name } = (request.body ?? {}) as { name?: unknown };
      if (!isVenueName(name)) {
        return reply.status(400).send({ error: 'a venue needs a name of at most 120 characters' });
      }
      const [venue] = await db<Venue>('venues').insert({ name }).returning(['id', 'name', 'capacity']);
      return reply.status(201).send(venue);
    });
  };
}
