const assert = require('node:assert');
const { test } = require('node:test');

test('the answer to health checks is JSON', () => {
  assert.deepStrictEqual(JSON.parse('{"status":"ok"}'), { status: 'ok' });
});
