import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gainsBetween, headlinesOf, NEWS_LIMIT, newsBetween, type News } from '../src/board/news';
import { standings } from './standings';

const before = standings(3000, [
	{ user: 'catwoman', score: 60, done: [2900] },
	{ user: 'superman', score: 59, done: [2950] },
	{ user: 'batman', score: 0, done: [] },
]);

test('a completion tells how many had it, whom it put behind, and the new rank', () => {
	const after = standings(3060, [
		{ user: 'catwoman', score: 60, done: [2900] },
		{ user: 'batman', score: 59.5, done: [3010] },
		{ user: 'superman', score: 59, done: [2950] },
	]);
	const [news, ...more] = newsBetween(before, after);
	assert.deepEqual(more, []);
	assert.deepEqual(news, {
		kind: 'done',
		key: '1/batman@gotham/0',
		at_s: 3010,
		user: 'batman',
		exercise: 0,
		nth: 3,
		pass: { rank: 2, passed: 'superman', count: 1 },
	});
	assert.deepEqual(gainsBetween(before, after), [{ id: 'batman@gotham', points: 59.5, exercise: 0 }]);
});

test('a change of leader is told once, and not as a climb too', () => {
	const after = standings(3300, [
		{ user: 'superman', score: 62, done: [2950] },
		{ user: 'catwoman', score: 61, done: [2900] },
		{ user: 'batman', score: 0, done: [] },
	]);
	const news = newsBetween(before, after);
	assert.deepEqual(
		news.map(({ kind, user }) => [kind, user]),
		[['lead', 'superman']],
	);
	assert.deepEqual(gainsBetween(before, after), []);
});

test('who leads a board of zeros is no leader', () => {
	const start = standings(0, [{ user: 'batman', score: 0, done: [] }]);
	assert.deepEqual(newsBetween(start, standings(60, [{ user: 'catwoman', score: 0, done: [] }])), []);
});

test('the first standings tell the completions so far, newest first', () => {
	const news = newsBetween(null, before);
	assert.deepEqual(
		news.map(({ kind, at_s }) => [kind, at_s]),
		[
			['done', 2950],
			['done', 2900],
		],
	);
	assert.deepEqual(gainsBetween(null, before), []);
});

test('on stage the first of an exercise come before the sixtieth, though known later', () => {
	const done = (user: string, at_s: number, exercise: number, nth: number): News => ({
		kind: 'done',
		key: user,
		at_s,
		user,
		exercise,
		nth,
		pass: null,
	});
	const climb: News = { kind: 'climb', key: 'c', at_s: 6000, user: 'echo', pass: { rank: 9, passed: 'hesh', count: 1 } };
	const news = [climb, done('storm', 5922, 1, 59), done('rogue', 5914, 1, 58), done('batman', 5780, 2, 1)];
	assert.deepEqual(
		headlinesOf(news).map(({ user }) => user),
		['batman', 'storm'],
	);
});

test('who shares a name with someone is told by user and cluster', () => {
	const two = (now_s: number, done: number[]) => {
		const board = standings(now_s, [
			{ user: 'user1', score: 60, done },
			{ user: 'user2', score: 1, done: [2000] },
			{ user: 'user1', score: 0, done: [] },
		]);
		(board.rows[2] as { id: string }).id = 'user1@wakanda';
		return board;
	};
	const told = newsBetween(two(2500, []), two(3000, [2900])).filter(({ kind }) => kind === 'done');
	assert.deepEqual(
		told.map(({ user }) => user),
		['user1@gotham'],
	);
});

test('news never grows beyond its limit', () => {
	const crowd = Array.from({ length: 200 }, (_, i) => ({ user: `user${i}`, score: 200 - i, done: [i, i, i] }));
	assert.equal(newsBetween(null, standings(3000, crowd)).length, NEWS_LIMIT);
	const waiting = crowd.map((player) => ({ ...player, done: [] }));
	assert.ok(newsBetween(standings(2000, waiting), standings(3000, crowd)).length <= 12);
});
