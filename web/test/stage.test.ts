import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMNS, extend, historyOf, type History } from '../src/stage/history';
import { spread } from '../src/stage/labels';
import { standings } from './standings';

const empty = (): History =>
	historyOf({
		run: 1,
		now_s: 0,
		end_s: 9000,
		times_s: [0],
		series: [{ id: 'batman@gotham', user: 'batman', cluster: 'gotham', scores: [0] }],
	});
const at = (now_s: number, run = 1) => standings(now_s, [{ user: 'batman', score: now_s, done: [1] }], run);

test('a race told second by second keeps a bounded number of columns, the last one now', () => {
	const history = empty();
	for (let now_s = 1; now_s <= 9000; now_s++) assert.ok(extend(history, at(now_s)), `at ${now_s}`);
	assert.ok(history.times_s.length <= COLUMNS + 2, `${history.times_s.length} columns`);
	assert.equal(history.times_s.at(-1), 9000);
	const scores = history.scores.get('batman@gotham');
	assert.deepEqual(scores, history.times_s);
	assert.deepEqual(history.times_s, [...history.times_s].sort((a, b) => a - b));
});

test('the finished race may be told for hours', () => {
	const history = empty();
	for (let i = 1; i <= COLUMNS; i++) extend(history, at(i * 30));
	const columns = history.times_s.length;
	for (let i = 0; i < 30_000; i++) extend(history, at(9000));
	assert.ok(history.times_s.length <= columns + 1);
});

test('another run, time turned back, a new player and a hole ask for the curves anew', () => {
	const history = empty();
	assert.ok(extend(history, at(30)));
	assert.ok(!extend(history, at(60, 2)));
	assert.ok(!extend(history, at(10)));
	assert.ok(!extend(history, at(3000)));
	assert.ok(!extend(history, standings(60, [{ user: 'echo', score: 1, done: [] }])));
	assert.deepEqual(history.times_s, [0, 30]);
});

test('labels with room stay where they belong', () => {
	assert.deepEqual(spread([10, 50, 90], 20, 0, 100), [10, 50, 90]);
});

test('labels that touch spread about their mean and stay within the frame', () => {
	assert.deepEqual(spread([50, 50, 50], 20, 0, 100), [30, 50, 70]);
	assert.deepEqual(spread([0, 1], 20, 0, 100), [0, 20]);
	assert.deepEqual(spread([99, 100], 20, 0, 100), [80, 100]);
	const many = spread([5, 6, 40, 41, 42, 98], 10, 0, 100);
	many.slice(1).forEach((y, i) => assert.ok(y - (many[i] as number) >= 10 - 1e-9, `${many}`));
});
