// Bundles each *.test.ts with the esbuild that Vite brings, and gives the lot to Node's own test runner: no test framework.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'railquest-web-test-'));
try {
	const names = readdirSync(here).filter((name) => name.endsWith('.test.ts'));
	await build({
		entryPoints: names.map((name) => join(here, name)),
		outdir: out,
		outExtension: { '.js': '.mjs' },
		bundle: true,
		platform: 'node',
		format: 'esm',
		target: 'node18',
		define: { WEB: JSON.stringify(join(here, '..')) },
		logLevel: 'warning',
	});
	const files = names.map((name) => join(out, name.replace(/\.ts$/, '.mjs')));
	const { status } = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' });
	process.exitCode = status ?? 1;
} finally {
	rmSync(out, { recursive: true, force: true });
}
