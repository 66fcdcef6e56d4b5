import type { Knex } from 'knex';

// Nullable, so that the image before this one still works on the new schema.
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('venues', (table) => {
    table.integer('capacity').nullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('venues', (table) => {
    table.dropColumn('capacity');
  });
}
