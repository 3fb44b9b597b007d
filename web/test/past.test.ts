import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changes, extent, fieldOf, lastAt, Reel, type PastEvent, type Timeline } from '../src/train/past';

const event = (kind: PastEvent['kind'], at_ms: number, number: number, more: Partial<PastEvent> = {}): PastEvent => ({ kind, at_ms, number, ...more });
const sign = { class_id: 1, class_name: 'DangerAhead', confidence: 0.9, box: [1, 2, 3, 4] as [number, number, number, number] };

test('the last event that is not after an instant is found, until it is too old', () => {
	const events = [event('frame', 100, 1), event('frame', 200, 2), event('frame', 200, 3), event('frame', 900, 4)];
	assert.equal(lastAt(events, 99, 1_000), null);
	assert.equal(lastAt(events, 100, 1_000)?.number, 1);
	assert.equal(lastAt(events, 199, 1_000)?.number, 1);
	assert.equal(lastAt(events, 200, 1_000)?.number, 3);
	assert.equal(lastAt(events, 5_000, 1_000), null);
	assert.equal(lastAt([], 5, 1_000), null);
});

test('a picture is shown with its own boxes, and the order in force', () => {
	const reel = new Reel([
		event('decision', 1_010, 3, { key: 'a', order: 'go' }),
		event('result', 1_005, 2, { key: 'a', detections: [sign] }),
		event('frame', 1_000, 1, { key: 'a' }),
		event('frame', 1_100, 4, { key: 'b' }),
		event('telemetry', 900, 0, { mode: 'going', percent: 40 }),
		event('decision', 1_120, 5, { key: 'b', order: 'stop' }),
	]);
	assert.equal(reel.at(999).frame, null);
	assert.deepEqual(reel.at(1_050).detections, [sign]);
	assert.equal(reel.at(1_050).decision?.order, 'go');
	const moment = reel.at(1_150);
	assert.equal(moment.frame?.number, 4);
	assert.deepEqual(moment.detections, [], 'the boxes of another picture are not drawn');
	assert.equal(moment.decision?.order, 'stop');
	assert.equal(moment.telemetry?.mode, 'going');
	assert.equal(reel.at(60_000).frame, null, 'an old picture does not stand for a gap');
	assert.equal(reel.at(60_000).decision, null);
});

test('events may come in any order', () => {
	const events = Array.from({ length: 50 }, (_, i) => event('frame', (i * 37) % 50, i));
	const reel = new Reel(events);
	for (let at = 0; at < 50; at++) assert.equal(reel.at(at).frame?.at_ms, at);
});

test('from a picture one steps to the one before and the one after, over a gap too', () => {
	const reel = new Reel([event('frame', 100, 1), event('frame', 140, 2), event('frame', 9_000, 3), event('result', 120, 4)]);
	assert.equal(reel.neighbour(100, 1), 140);
	assert.equal(reel.neighbour(150, 1), 9_000);
	assert.equal(reel.neighbour(9_000, 1), null);
	assert.equal(reel.neighbour(9_100, -1), 140, 'the one shown is that of 9000');
	assert.equal(reel.neighbour(140, -1), 100);
	assert.equal(reel.neighbour(100, -1), null);
	assert.equal(reel.neighbour(50, -1), null);
});

test('an instant is written as a field of date and time has it', () => {
	for (const at_ms of [0, 1_795_806_000_000, Date.now()]) assert.equal(new Date(fieldOf(at_ms)).getTime(), Math.floor(at_ms / 1000) * 1000);
	assert.match(fieldOf(1_582_977_296_000), /^2020-\d\d-\d\dT\d\d:\d\d:\d\d$/);
});

test('spans lie where they belong, and are never too thin to be seen', () => {
	const line = { from_ms: 1_000, to_ms: 2_000, cell_ms: 1, pictures: [], orders: [], modes: [], battery: [], commands: [] } satisfies Timeline;
	assert.deepEqual(extent([1_250, 1_500, 'go'], line, 100), [25, 25]);
	assert.deepEqual(extent([500, 1_500, 'go'], line, 100), [0, 50]);
	assert.deepEqual(extent([1_500, 1_500], line, 100), [50, 1]);
	assert.equal(extent([2_500, 2_600, 'go'], line, 100), null);
	assert.equal(extent([0, 1, 'go'], { ...line, to_ms: 1_000 }, 100), null);
});

test('a picture stands with its own order, also before that was given', () => {
	const reel = new Reel([
		event('decision', 990, 1, { key: 'z', order: 'go' }),
		event('frame', 1_000, 2, { key: 'a' }),
		event('decision', 1_060, 3, { key: 'a', order: 'stop' }),
	]);
	assert.equal(reel.at(1_000).decision?.order, 'stop');
	assert.equal(reel.at(995).decision?.order, 'go');
});

test('of what is said again and again people are told what became another', () => {
	const said = [
		event('telemetry', 1, 1, { mode: 'going' }),
		event('decision', 2, 2, { order: 'go' }),
		event('decision', 3, 3, { order: 'go' }),
		event('frame', 4, 4),
		event('decision', 5, 5, { order: 'stop' }),
		event('command', 6, 6, { command: 'stop' }),
		event('command', 7, 7), // it could not be read
		event('telemetry', 8, 8, { mode: 'stopped' }),
		event('telemetry', 9, 9, { mode: 'stopped' }),
		event('decision', 10, 10, { order: 'go' }),
	];
	assert.deepEqual(changes(said).map(({ at_ms }) => at_ms), [1, 2, 5, 6, 8, 10]);
	assert.deepEqual(new Reel([...said].reverse()).changes, changes(said));
});
