// A broker, a railquest-monitor of its own, and stock clients that say what the train's services would.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const CLOCK = randomBytes(16).toString('hex'); // of services on another machine: ages count from arrival
const BOOT = randomBytes(16).toString('hex');
export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

export async function world(...options) {
	const folder = mkdtempSync(join(tmpdir(), 'railquest-train-'));
	const port = await freePort();
	const config = join(folder, 'mosquitto.conf');
	writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
	const broker = spawn('mosquitto', ['-c', config], { stdio: 'ignore' });
	const program = process.env.MONITOR_BIN ?? 'build/bin/railquest-monitor';
	let listen = '127.0.0.1:0';
	let child;
	let errors = '';
	const clients = [];
	const here = {
		port,
		url: '',
		sequence: 0,

		async startMonitor() {
			child = spawn(program, ['--listen', listen, '--broker', `mqtt://127.0.0.1:${port}`, '--train', 'blue', ...options], {
				stdio: ['ignore', 'pipe', 'pipe'],
			});
			child.stderr.on('data', (text) => (errors += text));
			const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => [''])]);
			here.url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
			if (!here.url) throw new Error(`${program} says ${JSON.stringify(line)}; ${errors}`);
			listen = here.url.slice('http://'.length);
			// It is subscribed once it has said that it is there.
			for (let i = 0; !(await (await fetch(`${here.url}/ready`)).text()).includes('ok broker'); i++) {
				if (i > 200) throw new Error(`no broker; ${errors}`);
				await wait(50);
			}
			await wait(100);
		},

		async killMonitor() {
			const ended = once(child, 'exit');
			child.kill('SIGKILL');
			await ended;
		},

		/** The monitor's status, once it is as wanted. */
		async status(wanted = () => true) {
			for (let i = 0; ; i++) {
				const status = await (await fetch(`${here.url}/api/train/status`)).json();
				if (wanted(status)) return status;
				if (i > 200) throw new Error(`never: ${wanted}; ${JSON.stringify(status)}; ${errors}`);
				await wait(50);
			}
		},

		/** One message, as it is. */
		async publish(topic, payload, ...more) {
			const client = spawn('mosquitto_pub', ['-p', String(port), '-t', topic, '-s', '-q', '1', ...more], {
				stdio: ['pipe', 'inherit', 'inherit'],
			});
			client.stdin.end(payload);
			const [code] = await once(client, 'exit');
			if (code !== 0) throw new Error(`mosquitto_pub: ${code}`);
		},

		origin(kind, picture, more = {}) {
			return {
				version: 1,
				kind,
				trace: picture.trace,
				source: 'front',
				boot: BOOT,
				sequence: picture.sequence,
				clock: CLOCK,
				captured_wall_ms: Date.now(),
				captured_monotonic_us: 1,
				deadline_ms: 300,
				...more,
			};
		},

		/** A picture {format, width, height, bytes}; returns what its result and decision name it by. */
		async frame({ format, width, height, bytes }) {
			const picture = { trace: randomBytes(16).toString('hex'), sequence: ++here.sequence, format, width, height };
			const line = JSON.stringify(here.origin('frame', picture, { image: { format, width, height, size: bytes.length } }));
			await here.publish('railquest/blue/frame', Buffer.concat([Buffer.from(`${line}\n`), bytes]));
			return picture;
		},

		async result(picture, detections) {
			const { format, width, height } = picture;
			const line = JSON.stringify(
				here.origin('result', picture, {
					image: { format, width, height, size: 0 },
					model: 'signs',
					backend: 'test',
					prepare_us: 1000,
					infer_us: 8000,
					finish_us: 100,
					detections,
				}),
			);
			await here.publish('railquest/blue/result', `${line}\n`);
		},

		async decide(picture, order, reason, cause = {}) {
			await here.publish(
				'railquest/blue/decision',
				JSON.stringify(here.origin('decision', picture, { id: picture.sequence, order, reason, ...cause })),
			);
		},

		async telemetry(more) {
			await here.publish('railquest/blue/telemetry', JSON.stringify(telemetry(more)));
		},

		async present(service, is_up) {
			const state = { version: 1, kind: 'state', service, is_up };
			await here.publish(`railquest/blue/state/${service}`, JSON.stringify(state), '-r');
		},

		/** Commands as they come over the broker; `onCommand` may answer. */
		async controller(onCommand) {
			const words = ['-oL', 'mosquitto_sub', '-p', String(port), '-d', '-t', 'railquest/blue/command', '-q', '1', '-F', '#%p'];
			const client = spawn('stdbuf', words, { stdio: ['ignore', 'pipe', 'ignore'] });
			clients.push(client);
			const lines = createInterface(client.stdout);
			const subscribed = new Promise((resolve) => {
				lines.on('line', (line) => {
					if (line.includes('SUBACK')) resolve();
					else if (line.startsWith('#')) onCommand(JSON.parse(line.slice(1)));
				});
			});
			await subscribed;
		},

		killBroker: () => broker.kill('SIGKILL'),

		async stop() {
			for (const client of clients) client.kill('SIGKILL');
			if (child.exitCode === null && child.signalCode === null) {
				const ended = once(child, 'exit');
				child.kill('SIGTERM');
				const [code, signal] = await ended;
				if (code !== 0) throw new Error(`the monitor ended with ${code ?? signal}; ${errors}`);
			}
			broker.kill('SIGKILL');
			rmSync(folder, { recursive: true, force: true });
		},
	};
	try {
		await here.startMonitor();
	} catch (why) {
		broker.kill('SIGKILL'); // else nothing ends, and nobody sees why
		throw why;
	}
	return here;
}

let said = 0;
const CONTROLLER = randomBytes(16).toString('hex');

export function telemetry(more = {}) {
	return {
		version: 1,
		kind: 'telemetry',
		boot: CONTROLLER,
		sequence: ++said,
		clock: CLOCK,
		sent_wall_ms: Date.now(),
		sent_monotonic_us: 1,
		mode: 'going',
		reason: '',
		armed: true,
		percent: 70,
		battery_low: false,
		...more,
	};
}
