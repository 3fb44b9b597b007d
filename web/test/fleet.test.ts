import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextInTurn } from '../src/train/fleet';

test('each has its turn before one has another, and those that want nothing are passed over', () => {
	const wants = [true, false, true, true];
	const order: number[] = [];
	for (let at = -1, i = 0; i < 6; i++) order.push((at = nextInTurn(wants, at, (one) => one)));
	assert.deepEqual(order, [0, 2, 3, 0, 2, 3]);
	assert.equal(nextInTurn([true], 0, (one) => one), 0);
	assert.equal(nextInTurn(wants, 2, () => false), -1);
	assert.equal(nextInTurn([], 3, () => true), -1);
});
