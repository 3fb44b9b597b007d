import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Standings } from '../src/api/contract';
import { Link, type LinkState, type Rim } from '../src/api/link';
import { standings } from './standings';

class Stream {
	readyState = 1;
	onerror: (() => void) | null = null;
	private hear: (event: { data: string }) => void = () => {};
	addEventListener(_name: string, hear: (event: { data: string }) => void): void {
		this.hear = hear;
	}
	say(data: string): void {
		this.hear({ data });
	}
	close(): void {
		this.readyState = 2;
	}
}

/** A browser whose clock the test turns. */
class Browser implements Rim {
	time_ms = 0;
	streams: Stream[] = [];
	polls = 0;
	answer: () => Promise<unknown> = () => Promise.resolve(board);
	private timer: (() => void) | null = null;
	now = () => this.time_ms;
	openStream = () => this.streams[this.streams.push(new Stream()) - 1] as unknown as EventSource;
	fetchJson = () => (this.polls++, this.answer());
	every(_ms: number, f: () => void): () => void {
		this.timer = f;
		return () => (this.timer = null);
	}
	async pass(ms: number): Promise<void> {
		for (const until_ms = this.time_ms + ms; this.time_ms < until_ms; ) {
			this.time_ms += 500;
			this.timer?.();
			await new Promise((resolve) => setImmediate(resolve));
		}
	}
}

const board = standings(60, [{ user: 'batman', score: 1, done: [1] }]);

function started() {
	const browser = new Browser();
	const heard: Standings[] = [];
	const states: LinkState[] = [];
	const link = new Link(
		(next) => heard.push(next),
		(state) => states.push(state),
		browser,
	);
	link.start();
	return { browser, heard, states, link };
}

test('a stream that speaks is live and nothing is polled', async () => {
	const { browser, heard, states } = started();
	for (let i = 0; i < 20; i++) {
		browser.streams[0]?.say(JSON.stringify(board));
		await browser.pass(1_000);
	}
	assert.equal(heard.length, 20);
	assert.deepEqual(states, ['live']);
	assert.equal(browser.polls, 0);
});

test('an open stream that says nothing is polled around after five seconds, every two', async () => {
	const { browser, heard, states } = started();
	await browser.pass(4_500);
	assert.equal(browser.polls, 0);
	await browser.pass(10_500);
	assert.deepEqual(states, ['polling']);
	assert.equal(heard.length, browser.polls);
	assert.ok(browser.polls >= 5 && browser.polls <= 6, `${browser.polls} polls`);
});

test('a swallowed stream is tried anew, and the first message ends the polling', async () => {
	const { browser, states } = started();
	await browser.pass(31_000);
	assert.equal(browser.streams.length, 2);
	const polls = browser.polls;
	for (let i = 0; i < 5; i++) {
		browser.streams[1]?.say(JSON.stringify(board));
		await browser.pass(1_000);
	}
	assert.deepEqual(states, ['polling', 'live']);
	assert.equal(browser.polls, polls);
});

test('no stream and no answer is said to be reconnecting, and recovers', async () => {
	const { browser, states } = started();
	browser.answer = () => Promise.reject(new Error('refused'));
	(browser.streams[0] as Stream).readyState = 2;
	await browser.pass(8_000);
	assert.deepEqual(states, ['reconnecting']);
	assert.ok(browser.streams.length >= 2);
	browser.answer = () => Promise.resolve(board);
	await browser.pass(3_000);
	assert.deepEqual(states, ['reconnecting', 'polling']);
});

test('after the end silence is no reason to poll', async () => {
	const { browser, states } = started();
	browser.streams[0]?.say(JSON.stringify({ ...board, state: 'finished' }));
	await browser.pass(60_000);
	assert.deepEqual(states, ['live']);
	assert.equal(browser.polls, 0);
});

test('a message cut short is passed over', async () => {
	const { browser, heard } = started();
	browser.streams[0]?.say('{"schema": 1, "rows": [');
	assert.equal(heard.length, 0);
});

test('a closed link neither polls nor listens', async () => {
	const { browser, heard, link } = started();
	link.close();
	browser.streams[0]?.say(JSON.stringify(board));
	await browser.pass(20_000);
	assert.equal(heard.length + browser.polls, 0);
});
