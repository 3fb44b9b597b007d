import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decider, overlap, place } from '../src/train/boxes';
import type { Decision, Detection } from '../src/train/contract';
import { Gallery } from '../src/train/gallery';
import { History, SPAN_MS } from '../src/train/history';
import { RemoteClock } from '../src/train/clock';
import { EventCutter } from '../src/train/ways';
import { reason, trainWords } from '../src/train/words';

const picture = (number: number) => ({ number, trace: `t${number}` });
const result = (number: number) => ({ trace: `t${number}`, boxes: number });

function gallery() {
	const dropped: number[] = [];
	return { dropped, it: new Gallery<{ number: number; trace: string }, { trace: string; boxes: number }>(({ number }) => dropped.push(number)) };
}

test('without a detector a picture is shown at once', () => {
	const { it } = gallery();
	it.picture(picture(1), 0);
	assert.equal(it.shown?.number, 1);
	assert.equal(it.result, null);
});

test('a picture waits for its own boxes', () => {
	const { it, dropped } = gallery();
	it.take(result(1), 0);
	it.picture(picture(1), 5);
	assert.equal(it.result?.boxes, 1);
	it.picture(picture(2), 100);
	assert.equal(it.shown?.number, 1);
	it.take(result(2), 120);
	assert.equal(it.shown?.number, 2);
	assert.equal(it.result?.boxes, 2);
	assert.deepEqual(dropped, [1]);
});

test('pictures that a slow detector skips are skipped', () => {
	const { it, dropped } = gallery();
	it.take(result(1), 0);
	it.picture(picture(1), 0);
	for (const [number, at] of [[2, 30], [3, 60], [4, 90]] as const) it.picture(picture(number), at);
	it.take(result(3), 100);
	assert.equal(it.shown?.number, 3);
	assert.deepEqual(dropped, [1, 2]);
	it.tick(150);
	assert.equal(it.shown?.number, 3);
});

test('a detector that has stopped holds the picture up for a moment only', () => {
	const { it } = gallery();
	it.take(result(1), 0);
	it.picture(picture(1), 0);
	it.picture(picture(2), 100);
	it.tick(200);
	assert.equal(it.shown?.number, 1);
	it.tick(301);
	assert.equal(it.shown?.number, 2);
	assert.equal(it.result, null);
	it.picture(picture(3), 1_100);
	assert.equal(it.shown?.number, 3);
});

test('what waits is bounded, and given back', () => {
	const { it, dropped } = gallery();
	it.take(result(0), 0);
	it.picture(picture(0), 0);
	for (let i = 1; i <= 20; i++) it.picture(picture(i), 1);
	assert.equal(dropped.length, 14);
	assert.equal(it.shown?.number, 0);
});

test('a late result of the picture shown still counts', () => {
	const { it } = gallery();
	it.picture(picture(1), 0);
	it.take(result(1), 400);
	assert.equal(it.result?.boxes, 1);
});

const sign = (box: Detection['box'], class_name = 'DangerAhead'): Detection => ({ class_id: 1, class_name, confidence: 0.9, box });
const decision = (box: Detection['box'], trace = 't'): Decision => ({
	trace, at_us: 0, order: 'stop', reason: '', track: 1, class_name: 'DangerAhead', box,
});

test('the deciding box is the one of its class that it lies on', () => {
	const found = [sign([0, 0, 10, 10]), sign([100, 100, 40, 40]), sign([100, 100, 40, 40], 'SpeedLimit')];
	assert.equal(decider('t', found, decision([102, 98, 40, 40])), 1);
	assert.equal(decider('t', found, decision([300, 98, 40, 40])), -1);
	assert.equal(decider('other', found, decision([102, 98, 40, 40])), -1);
	assert.equal(decider('t', found, null), -1);
	assert.equal(overlap([0, 0, 10, 10], [5, 0, 10, 10]), 1 / 3);
});

test('boxes are placed in percent of the picture, and cut at its edges', () => {
	assert.deepEqual(place([64, 48, 128, 96], 640, 480), { left: 10, top: 10, width: 20, height: 20 });
	assert.deepEqual(place([-10, 470, 20, 20], 100, 480), { left: 0, top: (470 / 480) * 100, width: 10, height: (10 / 480) * 100 });
	assert.equal(place([700, 0, 10, 10], 640, 480), null);
});

test('hops of the last minute are kept, and completed', () => {
	const history = new History();
	history.add({ trace: 'a', capture_us: 12_000 }, 0);
	history.add({ trace: 'b', capture_us: 13_000 }, 100);
	history.add({ trace: 'a', capture_us: 12_000, hub_us: 4_000, total_us: 50_000 }, 200);
	const [x, capture, , , hub] = history.columns(1_000);
	assert.deepEqual(x, [-1, -0.9]);
	assert.deepEqual(capture, [12, 13]);
	assert.deepEqual(hub, [4, null]);
	history.add({ trace: 'c' }, SPAN_MS + 50);
	assert.equal(history.columns(SPAN_MS + 50)[0].length, 2);
});

test('events come whole out of a stream that is cut anywhere', () => {
	const cutter = new EventCutter();
	assert.deepEqual(cutter.push('retry: 500\n\n: still here\n\nevent: state\nda'), []);
	assert.deepEqual(cutter.push('ta: {"a":1}\n'), []);
	assert.deepEqual(cutter.push('\ndata: {"b":2}\n\ndata: {'), ['{"a":1}', '{"b":2}']);
});

test('a message that was held up on its way does not make its picture younger', () => {
	const clock = new RemoteClock();
	clock.hear(5_000_000, 100); // 5 s there is 0.1 s here, at most
	clock.hear(6_000_000, 3_100); // held up for 2 s
	assert.equal(clock.here_ms(6_000_000), 1_100);
	clock.begin();
	assert.equal(clock.here_ms(6_000_000), 1_100); // pictures go on growing old meanwhile
	clock.hear(6_000_000, 3_100);
	assert.equal(clock.here_ms(6_000_000), 3_100);
});

test('reasons are told in the viewer’s language where they are known', () => {
	assert.deepEqual(reason('DangerAhead, 41x40 pixels, seen in 1 of 1 pictures', 'fr'), {
		text: 'Danger, 41×40 pixels, vu dans 1 image sur 1', lang: 'fr',
	});
	assert.deepEqual(reason('stop holds: clear for 300 of 2000 ms', 'fr'), {
		text: 'arrêt maintenu : voie libre depuis 300 ms sur 2000', lang: 'fr',
	});
	for (const why of [
		'it came 3200 ms after it was sent, by the clocks of sender and train, and holds for 3000 ms',
		"it was sent in 700 ms by the train's clock: set the clocks of train and sender",
		'it was in the topic before the train began to listen: arm again',
		"the train's broker is not there",
		"this machine does not tell its clock's name, so the controller could not tell the arm's age",
		"it comes from a machine with another clock, so its age is not known: arm from the controller's machine",
	])
		assert.equal(reason(why, 'fr').lang, 'fr', why);
	assert.deepEqual(reason('something new', 'fr'), { text: 'something new', lang: 'en' });
	assert.equal(reason('no sign', 'en').text, 'no sign');
});

test('no text of the train is missing in either language', () => {
	const walk = (path: string, value: unknown): void => {
		if (typeof value === 'function') assert.ok(String(value(2)).length > 0, path);
		else if (typeof value === 'string') assert.ok(value.trim().length > 0, path);
		else for (const [key, inner] of Object.entries(value as object)) walk(`${path}.${key}`, inner);
	};
	walk('en', trainWords.en);
	walk('fr', trainWords.fr);
	assert.deepEqual(Object.keys(trainWords.fr.classes), Object.keys(trainWords.en.classes));
});
