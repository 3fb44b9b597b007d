/*
 * The curves that the stage draws: scores of all players over time, a fixed number of columns at most, however long the
 * page is open. Columns come from /api/quest/curves; each standings then moves the last column or adds one.
 */

import type { Curves, Standings } from '../api/contract';

export const COLUMNS = 300; // over the whole race
const SLACK = 60;

export interface History {
	run: number;
	times_s: number[];
	scores: Map<string, number[]>; // by player's id, as long as times_s
}

export function historyOf(curves: Curves): History {
	return {
		run: curves.run,
		times_s: [...curves.times_s],
		scores: new Map(curves.series.map((series) => [series.id, [...series.scores]])),
	};
}

/**
 * Takes the standings in. False where they do not continue this history (another run, another player, time turned back,
 * a hole): then the curves must be fetched anew.
 */
export function extend(history: History, standings: Standings): boolean {
	const { times_s, scores } = history;
	const last_s = times_s.at(-1);
	const column_s = standings.end_s / COLUMNS;
	if (standings.run !== history.run || last_s === undefined || standings.now_s < last_s) return false;
	if (standings.rows.some((row) => !scores.has(row.id)) || times_s.length > COLUMNS + SLACK) return false;
	const before_s = times_s.at(-2);
	if (standings.now_s - (before_s ?? last_s) > 10 * column_s) return false;
	// The last column is "now": it moves until it is a whole column away from the one before.
	const moves = before_s !== undefined && last_s - before_s < column_s;
	const i = moves ? times_s.length - 1 : times_s.length;
	times_s[i] = standings.now_s;
	for (const row of standings.rows) (scores.get(row.id) as number[])[i] = row.score;
	return true;
}
