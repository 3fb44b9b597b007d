import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue } from '../src/i18n/catalogue';

test('no text is missing in either language', () => {
	assert.deepEqual(Object.keys(catalogue.fr).sort(), Object.keys(catalogue.en).sort());
	for (const [language, words] of Object.entries(catalogue)) {
		for (const [key, text] of Object.entries(words)) {
			const said = typeof text === 'function' ? (text as (...all: unknown[]) => string)(2, 3) : text;
			assert.ok(said.trim().length > 0, `${language}.${key} is empty`);
			assert.ok(!/undefined|NaN/.test(said), `${language}.${key} says ${said}`);
		}
	}
});

test('ordinals read as people say them', () => {
	const english = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map((n) => catalogue.en.news_rank(n).split(' ')[1]);
	assert.deepEqual(english, ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '101st', '111th']);
	assert.equal(catalogue.fr.news_rank(1), 'passe 1er');
	assert.equal(catalogue.fr.news_rank(22), 'passe 22e');
});
