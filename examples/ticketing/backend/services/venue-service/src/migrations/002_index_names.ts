import type { Knex } from 'knex';

// Undoing it takes no row away.
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('venues', (table) => {
    table.index('name', 'venues_by_name');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('venues', (table) => {
    table.dropIndex('name', 'venues_by_name');
  });
}
