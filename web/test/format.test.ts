import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, plain, points, short, uncertainty } from '../src/format';

test('the clock shows whole seconds gone, with hours where there are any', () => {
	assert.equal(clock(5251.9), '1:27:31');
	assert.equal(clock(59.99), '0:59');
	assert.equal(clock(0, true), '0:00:00');
	assert.equal(clock(-61), '−1:01');
});

test('points have one decimal and the comma of the language', () => {
	assert.equal(points(93.04, 'en'), '93.0');
	assert.equal(points(89.44, 'fr'), '89,4');
	assert.equal(points(-0.01, 'en'), '0.0');
	assert.equal(points(-4.25, 'en'), '-4.3');
});

test('instants are minutes in a workshop and seconds on the bench', () => {
	assert.equal(short(3959, 9000), '65′');
	assert.equal(short(50, 205), '50″');
});

test('an interval is shown as half its width, and not at all within a second', () => {
	assert.equal(uncertainty(2995, 3000), '±3″');
	assert.equal(uncertainty(3000, 3000), '');
	assert.equal(uncertainty(3000, 3600), '±5′');
});

test('search minds neither case nor accents', () => {
	assert.equal(plain('Étoile'), 'etoile');
});
