module.exports = [{ files: ['**/*.js'], rules: { 'no-unused-vars': 'error' } }];
