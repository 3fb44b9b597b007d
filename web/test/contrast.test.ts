// The colours of all themes, read from the stylesheet: text at least 4.5:1 on its ground, marks 3:1.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

declare const WEB: string;

const css = readFileSync(join(WEB, 'src/look/base.css'), 'utf8');

function colours(selector: string): Map<string, string> {
	const block = css.split(`${selector} {`)[1]?.split('}')[0] ?? '';
	return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})[;\s]/g)].map(([, name, value]) => [name as string, value as string]));
}

function light(colour: string): number {
	const [r, g, b] = [1, 3, 5].map((i) => {
		const c = Number.parseInt(colour.slice(i, i + 2), 16) / 255;
		return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	}) as [number, number, number];
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
	const [low, high] = [light(a), light(b)].sort((x, y) => x - y) as [number, number];
	return (high + 0.05) / (low + 0.05);
}

const text: [string, string][] = [
	...['ink', 'ink-soft', 'up', 'down', 'warn', 'live'].map((ink): [string, string] => [ink, 'surface']),
	...['ink', 'ink-soft', 'warn', 'live'].map((ink): [string, string] => [ink, 'ground']),
	['ink-soft', 'sunken'],
	['bar-ink', 'bar'],
	['bar-soft', 'bar'],
	['gold-ink', 'gold'],
	['medal-ink', 'silver'],
	['medal-ink', 'bronze'],
	['surface', 'up'],
	['stop-ink', 'stop'],
	['down', 'surface'],
	...[0, 1, 2, 3, 4, 5].map((i): [string, string] => [`exercise-${i}`, 'surface']),
];
const marks: [string, string][] = [
	['ink-faint', 'surface'],
	['ink-faint', 'ground'],
	['stop-edge', 'surface'],
	...[0, 1, 2, 3, 4, 5].flatMap((i): [string, string][] => [
		[`hue-${i}`, 'surface'],
		[`hue-${i}`, 'ground'],
		[`exercise-${i}`, 'ground'],
	]),
];

for (const theme of ['light', 'dark', 'contrast']) {
	test(`the ${theme} theme is legible`, () => {
		const set = new Map([...colours(':root'), ...(theme === 'light' ? [] : colours(`:root[data-theme='${theme}']`))]);
		const least = (pairs: [string, string][], ratio: number) => {
			for (const [ink, ground] of pairs) {
				const seen = contrast(set.get(ink) ?? '', set.get(ground) ?? '');
				assert.ok(seen >= ratio, `--${ink} on --${ground}: ${seen.toFixed(2)}:1, ${ratio}:1 wanted`);
			}
		};
		least(text, 4.5);
		least(marks, 3);
	});
}
