// A `railquest serve` of its own for a test, from RAILQUEST_BIN.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function serve(...options) {
	const program = process.env.RAILQUEST_BIN ?? 'build/bin/railquest';
	const child = spawn(program, ['serve', '--listen', '127.0.0.1:0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
	let errors = '';
	child.stderr.on('data', (text) => (errors += text));
	const ended = once(child, 'exit');
	const first = once(createInterface(child.stdout), 'line').then(([line]) => line);
	const line = await Promise.race([first, ended.then(() => '')]);
	const url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
	if (!url) {
		child.kill('SIGKILL');
		throw new Error(`${program} says no address but ${JSON.stringify(line)}; ${errors}`);
	}
	return {
		url,
		async stop() {
			child.kill('SIGTERM');
			const [code, signal] = await ended;
			if (code !== 0) throw new Error(`serve ended with ${code ?? signal}; ${errors}`);
		},
	};
}

export async function json(url) {
	const answer = await fetch(url);
	if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
	return answer.json();
}
