// The prize line follows who wins, not ranks.

import assert from 'node:assert/strict';
import test from 'node:test';
import { aroundLine, prizeCut } from '../src/board/prizes';
import { standings } from './standings';

function board(wins: string, line = 2) {
	// w wins, l shares the line, - does neither
	const all = standings(
		600,
		[...wins].map((_, i) => ({ user: `u${i}`, score: 100 - i, done: [60] })),
	);
	all.rows.forEach((row, i) => {
		row.prize = wins[i] === 'w';
		row.on_line = wins[i] === 'l';
	});
	return { ...all, prize_line: line };
}

test('the line is under the last who wins, whoever may not win stands above it', () => {
	assert.equal(prizeCut(board('ww--')), 2);
	assert.equal(prizeCut(board('w-w-')), 3);
});

test('whoever shares the line is above it until somebody decides', () => {
	assert.equal(prizeCut(board('wll-')), 3);
});

test('there is no line where nobody or everybody wins, or there is no prize', () => {
	assert.equal(prizeCut(board('----')), null);
	assert.equal(prizeCut(board('wwww')), null);
	assert.equal(prizeCut(board('ww--', 0)), null);
});

test('who is next to the line', () => {
	const { rows } = board('w-w-');
	assert.deepEqual([aroundLine(rows).lastIn?.user, aroundLine(rows).firstOut?.user], ['u2', 'u3']);
	assert.equal(aroundLine(board('----').rows).lastIn, undefined);
});
