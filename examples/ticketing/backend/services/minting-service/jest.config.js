module.exports = {
  preset: 'ts-jest',
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  collectCoverageFrom: ['src/**/*.ts'],
  coverageThresholds: { global: { branches: 70, functions: 70, lines: 70, statements: 70 } },
  setupFilesAfterEnv: ['<rootDir>/tests/setup.ts'],
};
