import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ladder, MAX_RETRY_MS, type Rung, type Stream } from '../src/train/ladder';
import { PartCutter } from '../src/train/multipart';
import { readPacket } from '../src/train/packet';

type Way = 'works' | 'refuses' | 'swallows' | 'hangs'; // hangs: its head never comes
type Network = Record<Rung, Way>;

const GOOD: Network = { ws: 'works', sse: 'works', mjpeg: 'works', poll: 'works' };
const TICK_MS = 100;

/** A page's link over a made-up network: opens what the ladder wants, tells it what comes. */
class Page {
	now = 1_000_000;
	network: Network;
	readonly ladder: Ladder;
	readonly log: string[] = []; // what ran, as it changed
	readonly tried: { rung: Stream; at: number }[] = [];
	private open = new Map<Stream, Way>();
	private polled = 0;

	constructor(network: Partial<Network> = {}, only: Rung | null = null) {
		this.network = { ...GOOD, ...network };
		this.ladder = new Ladder(this.now, only);
		this.note();
	}

	get rung(): string {
		return this.ladder.transport(this.now).rung ?? 'none';
	}

	get because(): string {
		return this.ladder.transport(this.now).because.map(({ rung, trouble }) => `${rung}:${trouble}`).join(' ');
	}

	/** The network becomes another: connections that stand are cut where `cut` says so. */
	become(network: Partial<Network>, cut = false): void {
		this.network = { ...this.network, ...network };
		if (cut) this.cut();
	}

	cut(): void {
		for (const rung of [...this.open.keys()]) {
			this.open.delete(rung);
			this.ladder.ended(rung, this.now);
		}
	}

	run(ms: number): this {
		for (const until = this.now + ms; this.now < until; ) {
			this.now += TICK_MS;
			this.step();
			this.note();
		}
		return this;
	}

	private step(): void {
		this.ladder.tick(this.now);
		for (const rung of this.open.keys()) if (!this.ladder.open.includes(rung)) this.open.delete(rung);
		for (const rung of this.ladder.open) {
			if (this.open.has(rung)) continue;
			this.tried.push({ rung, at: this.now });
			if (this.network[rung] === 'refuses') this.ladder.ended(rung, this.now);
			else this.open.set(rung, this.network[rung]);
			if (this.network[rung] === 'works' || this.network[rung] === 'swallows') this.ladder.opened(rung, this.now);
		}
		for (const rung of this.open.keys()) if (this.network[rung] === 'works') this.ladder.heard(rung, this.now);
		if (this.ladder.polls(this.now) && this.now - this.polled >= 300) {
			this.polled = this.now;
			this.ladder.polled(this.network.poll === 'works', this.now);
		}
	}

	private note(): void {
		if (this.log.at(-1) !== this.rung) this.log.push(this.rung);
	}
}

test('where nothing is in between the WebSocket carries it, and nothing is asked for one by one', () => {
	const page = new Page().run(10_000);
	assert.deepEqual(page.log, ['none', 'ws']);
	assert.deepEqual(page.tried.map(({ rung }) => rung), ['ws']);
	assert.equal(page.because, '');
	assert.equal(page.ladder.polls(page.now), false);
});

test('a refused rung is left for the one below at once, and the page can say why', () => {
	const page = new Page({ ws: 'refuses' }).run(1_000);
	assert.equal(page.rung, 'sse');
	assert.equal(page.because, 'ws:refused');
	const lower = new Page({ ws: 'refuses', sse: 'refuses' }).run(1_000);
	assert.equal(lower.rung, 'mjpeg');
	assert.equal(lower.because, 'ws:refused sse:refused');
	assert.equal(lower.ladder.lacksNews, true);
});

test('single requests bridge the time in which streams are tried, after a second', () => {
	const page = new Page({ ws: 'swallows', sse: 'swallows', mjpeg: 'swallows' });
	page.run(900);
	assert.equal(page.rung, 'none');
	page.run(300);
	assert.equal(page.rung, 'poll');
	assert.equal(page.because, 'ws:opening');
	page.run(6_000);
	assert.equal(page.because, 'ws:silent sse:silent mjpeg:silent');
	assert.deepEqual(page.log, ['none', 'poll']);
});

test('connected and silent for two seconds is not carried on with, whether it ever spoke or not', () => {
	const page = new Page().run(5_000);
	page.become({ ws: 'swallows' });
	page.run(1_900);
	assert.equal(page.rung, 'ws');
	page.run(300);
	assert.equal(page.rung, 'sse');
	assert.equal(page.because, 'ws:silent');
	const unheard = new Page({ ws: 'swallows', sse: 'hangs' }).run(2_300);
	assert.equal(unheard.because, 'ws:silent sse:opening');
	unheard.run(4_200);
	assert.equal(unheard.rung, 'mjpeg');
	assert.equal(unheard.because, 'ws:silent sse:silent');
});

test('better rungs are tried again, after 5 s and then ever longer, 300 s at most', () => {
	const page = new Page({ ws: 'refuses' }).run(1_500_000);
	const times = page.tried.filter(({ rung }) => rung === 'ws').map(({ at }) => at);
	const pauses = times.slice(1).map((at, i) => Math.round((at - (times[i] as number)) / 1_000));
	assert.deepEqual(pauses.slice(0, 7), [5, 10, 20, 40, 80, 160, 300]);
	assert.ok(pauses.slice(7).every((pause) => pause === MAX_RETRY_MS / 1_000), String(pauses));
	assert.deepEqual(page.log, ['none', 'sse'], 'what runs is not disturbed by trying');
});

test('a rung that works again takes over from the one below it, with its first word', () => {
	const page = new Page({ ws: 'refuses', sse: 'swallows' }).run(4_000);
	assert.equal(page.rung, 'mjpeg');
	page.become({ ws: 'works' });
	page.run(3_000);
	assert.deepEqual(page.log, ['none', 'poll', 'mjpeg', 'ws']);
	assert.deepEqual(page.ladder.open, ['ws']);
});

test('while a better rung is tried in vain, what runs goes on', () => {
	const page = new Page({ ws: 'swallows', sse: 'works' }).run(60_000);
	assert.deepEqual(page.log, ['none', 'poll', 'sse']);
	assert.ok(page.tried.filter(({ rung }) => rung === 'ws').length >= 3);
});

test('what is cut after a while is opened anew at once, and stays', () => {
	const page = new Page({ ws: 'refuses' }).run(10_000);
	for (let i = 0; i < 5; i++) {
		page.cut();
		page.run(10_000);
	}
	assert.equal(page.rung, 'sse');
	assert.ok(!page.log.includes('poll') && !page.log.includes('mjpeg'), String(page.log));
});

test('what is cut soon after each beginning is left, too', () => {
	const page = new Page().run(1_000);
	page.cut();
	page.run(500);
	assert.equal(page.rung, 'sse');
	assert.equal(page.because, 'ws:cut');
});

test('a monitor that is away is no fault of the way to it', () => {
	const page = new Page().run(10_000);
	page.become({ ws: 'refuses', sse: 'refuses', mjpeg: 'refuses', poll: 'refuses' }, true);
	page.run(120_000);
	assert.equal(page.rung, 'none');
	page.become(GOOD);
	page.run(1_000);
	assert.equal(page.rung, 'ws');
	assert.equal(page.because, '');
	page.become({ ws: 'refuses' }, true);
	page.run(1_000);
	assert.equal(page.rung, 'sse');
});

test('what ran for long has no past, what flaps has', () => {
	const page = new Page({ ws: 'refuses' }).run(20_000); // three failures
	page.become({ ws: 'works' });
	page.run(100_000);
	assert.equal(page.rung, 'ws');
	page.become({ ws: 'swallows' });
	page.run(3_000);
	page.become({ ws: 'works' });
	page.run(5_000);
	assert.equal(page.rung, 'ws', 'after 5 s, as if it were the first time');

	const flapping = new Page().run(3_000);
	for (let i = 0; i < 4; i++) {
		flapping.become({ ws: 'swallows' });
		flapping.run(2_500);
		flapping.become({ ws: 'works' });
		while (flapping.rung !== 'ws') flapping.run(TICK_MS);
	}
	const began = flapping.now;
	flapping.become({ ws: 'swallows' });
	flapping.run(2_500);
	flapping.become({ ws: 'works' });
	while (flapping.rung !== 'ws') flapping.run(TICK_MS);
	assert.ok(flapping.now - began >= 80_000, 'the fifth time it is left alone for longer');
});

test('a page that slept blames nobody', () => {
	const page = new Page().run(5_000);
	page.now += 3_600_000; // a laptop's lid
	page.run(1_000);
	assert.deepEqual(page.log, ['none', 'ws']);
});

test('a way that the viewer chose is kept, whatever it does', () => {
	const events = new Page({}, 'sse').run(2_000);
	assert.equal(events.rung, 'sse');
	assert.equal(events.ladder.transport(events.now).asked, true);
	events.become({ sse: 'refuses' }, true);
	events.run(20_000);
	assert.equal(events.rung, 'none');
	assert.ok(events.tried.every(({ rung }) => rung === 'sse') && events.tried.length > 20);
	assert.equal(events.ladder.polls(events.now), false);
	const single = new Page({}, 'poll').run(10_000);
	assert.deepEqual([single.rung, single.tried.length], ['poll', 0]);
});

const bytes = (text: string) => new TextEncoder().encode(text);
const part = (body: string, more = '') => `Content-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}\r\n--edge\r\n`;

test('parts come whole out of a stream that is cut anywhere, each with its last byte', () => {
	const stream = bytes(`--edge\r\n${part('one')}${part('--edge\r\n\r\n two', 'X-Train-Picture: 7\r\n')}${part('')}`);
	for (const step of [1, 2, 3, 7, 50, stream.length]) {
		const cutter = new PartCutter();
		const found: string[] = [];
		let number: string | undefined;
		for (let at = 0; at < stream.length; at += step)
			for (const { headers, body } of cutter.push(stream.subarray(at, at + step))) {
				found.push(new TextDecoder().decode(body));
				number ??= headers.get('x-train-picture');
			}
		assert.deepEqual([found, number], [['one', '--edge\r\n\r\n two', ''], '7'], `in steps of ${step}`);
	}
	const early = new PartCutter();
	assert.equal(early.push(bytes('--edge\r\nContent-Length: 3\r\n\r\non')).length, 0);
	assert.equal(early.push(bytes('e')).length, 1, 'it waits for nothing behind it');
});

test('what is no stream of parts is refused, in bounded memory', () => {
	assert.throws(() => new PartCutter().push(bytes(`--edge\r\n${'x: y\r\n'.repeat(1_000)}`)));
	for (const length of ['', 'Content-Length: -1\r\n', 'Content-Length: 1e3\r\n', 'Content-Length: 999999999\r\n'])
		assert.throws(() => new PartCutter().push(bytes(`--edge\r\nA: b\r\n${length}\r\n`)), length);
});

test('a packet says what picture it is', () => {
	const data = new Uint8Array(43);
	data.set(bytes('RQP1'));
	data[4] = 2;
	data[7] = 3;
	data[14] = 1; // 256 + 2
	data[15] = 2;
	new DataView(data.buffer).setBigInt64(16, 123_456_789n);
	data[24] = 0xaa;
	data[39] = 0x0b;
	data.set(bytes('abc'), 40);
	const packet = readPacket(data.buffer);
	assert.deepEqual([packet?.place, packet?.number, packet?.at_us, packet?.type, packet?.picture.length], [3, 258, 123_456_789, 'image/webp', 3]);
	assert.equal(packet?.trace, `aa${'00'.repeat(14)}0b`);
	assert.equal(readPacket(data.buffer.slice(0, 39)), null);
	data[0] = 0;
	assert.equal(readPacket(data.buffer), null);
	data.set(bytes('RQP1\u0009'));
	assert.equal(readPacket(data.buffer), null);
});
