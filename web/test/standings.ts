// Standings made by hand for the tests.

import type { Row, Standings } from '../src/api/contract';

/** `done` per player: the instants of hero, villain, fight; rows are ranked in the order given. */
export function standings(now_s: number, players: { user: string; score: number; done: number[] }[], run = 1): Standings {
	const rows = players.map(
		({ user, score, done }, i): Row => ({
			rank: i + 1,
			delta: 0,
			id: `${user}@gotham`,
			user,
			cluster: 'gotham',
			score,
			done: done.length,
			prize: done.length > 0,
			on_line: false,
			exercises: [0, 1, 2].map((k) => {
				const at_s = done[k];
				return at_s === undefined ? null : { at_s, low_s: at_s, high_s: at_s };
			}),
		}),
	);
	return {
		schema: 1,
		scenario: 'test',
		scoring: 'author-2024',
		scoring_version: 1,
		state: 'running',
		run,
		seq: 0,
		start: 1728036000,
		now_s,
		end_s: 9000,
		unit_s: 300,
		speed: 60,
		prize_line: 30,
		suspense: null,
		lead_changes: 0,
		players: rows.length,
		active: rows.filter((row) => row.done > 0).length,
		clusters: ['gotham'],
		exercises: ['hero', 'villain', 'fight'].map((name) => ({ name, weight: 1, end_s: 3300, done: 0 })),
		rows,
	};
}
