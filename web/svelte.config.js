// TypeScript in components is type-only, which Svelte strips by itself: no preprocessor.
export default { compilerOptions: { runes: true } };
