import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const page = (name: string) => new URL(name, import.meta.url).pathname;

export default defineConfig({
	base: './', // the binary may sit behind a path prefix
	publicDir: false,
	plugins: [svelte()],
	build: {
		target: ['es2021', 'chrome100', 'firefox100', 'safari15'],
		// `default-src 'self'` forbids data: URLs and inline scripts, so nothing may be inlined.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		rollupOptions: { input: { index: page('index.html'), stage: page('stage.html'), train: page('train.html'), trains: page('trains.html') } },
	},
	server: {
		host: '127.0.0.1',
		proxy: { '/api': { target: process.env.RAILQUEST_URL ?? 'http://127.0.0.1:9796' } },
	},
});
