/*
 * News from two standings in a row: who completed what, whom that put behind, who leads now. Derived from the standings
 * and not from the stream's events, so that a page that polls tells the same story.
 */

import type { Instant, Row, Standings } from '../api/contract';
import { namesIn, type Names } from './names';

/** Whom someone went past between two standings. */
export interface Pass {
	rank: number; // after it
	passed: string; // the best of those passed
	count: number;
}

export interface Done {
	kind: 'done';
	key: string;
	at_s: number;
	user: string;
	exercise: number;
	nth: number; // how many had it by then, this one included
	pass: Pass | null;
}

/** A pass by the ramp alone. */
export interface Climb {
	kind: 'climb';
	key: string;
	at_s: number;
	user: string;
	pass: Pass;
}

export interface Lead {
	kind: 'lead';
	key: string;
	at_s: number;
	user: string;
	previous: string | null;
}

export type News = Done | Climb | Lead;

/** What a row has just won: shown floating over it. */
export interface Gain {
	id: string;
	points: number;
	exercise: number;
}

export const NEWS_LIMIT = 40;
const BURST_LIMIT = 12; // of one update: a page that was asleep does not tell it all
const CLIMB_RANKS = 10; // passes without a completion are news only among these

/** Newest first, at most NEWS_LIMIT. */
export function newsBetween(previous: Standings | null, next: Standings): News[] {
	const before = new Map(previous?.rows.map((row) => [row.id, row]));
	const names = namesIn(next.rows);
	const news: News[] = [];
	const lead = leadNews(previous, next, names);
	for (const row of next.rows) {
		const old = before.get(row.id);
		const pass = old && old.rank > row.rank ? passBetween(before, next, row, names) : null;
		const fresh = freshExercises(old, row);
		for (const exercise of fresh) news.push(doneNews(next, row, names, exercise, exercise === fresh.at(-1) ? pass : null));
		// Whoever takes the lead is told of once.
		if (pass && fresh.length === 0 && row.rank <= CLIMB_RANKS && !(lead && row === next.rows[0]))
			news.push({ kind: 'climb', key: `${next.run}/${row.id}/${next.now_s}`, at_s: next.now_s, user: names(row), pass });
	}
	if (lead) news.push(lead);
	news.sort((a, b) => b.at_s - a.at_s || weight(b) - weight(a));
	return news.slice(0, previous ? BURST_LIMIT : NEWS_LIMIT);
}

/** Points won by completions between the two, one per row. */
export function gainsBetween(previous: Standings | null, next: Standings): Gain[] {
	if (!previous) return [];
	const before = new Map(previous.rows.map((row) => [row.id, row]));
	const gains: Gain[] = [];
	for (const row of next.rows) {
		const old = before.get(row.id);
		const exercise = old && freshExercises(old, row).at(-1);
		if (old && exercise !== undefined) gains.push({ id: row.id, points: row.score - old.score, exercise });
	}
	return gains;
}

const RECENT = 8;

/** The two for the stage: of the newest, those that the room cares about before the others. */
export function headlinesOf(news: readonly News[]): News[] {
	// Passes by the ramp alone are many: on stage only those on the podium are news.
	const told = news.filter((one) => one.kind !== 'climb' || one.pass.rank <= 3);
	const recent = told.slice(0, RECENT);
	return [...recent.filter(isNotable), ...recent.filter((one) => !isNotable(one))].slice(0, 2);
}

/** A change of the lead; a completion among an exercise's first three, or that wins a place among the ten on stage. */
function isNotable(news: News): boolean {
	if (news.kind === 'lead') return true;
	return news.kind === 'done' && (news.nth <= 3 || (news.pass?.rank ?? Infinity) <= 10);
}

function freshExercises(old: Row | undefined, row: Row): number[] {
	return row.exercises.flatMap((instant, i) => (instant && !old?.exercises[i] ? [i] : []));
}

function doneNews(next: Standings, row: Row, names: Names, exercise: number, pass: Pass | null): Done {
	const { at_s } = row.exercises[exercise] as Instant;
	const nth = next.rows.filter((other) => (other.exercises[exercise]?.at_s ?? Infinity) <= at_s).length;
	return { kind: 'done', key: `${next.run}/${row.id}/${exercise}`, at_s, user: names(row), exercise, nth, pass };
}

function passBetween(before: Map<string, Row>, next: Standings, row: Row, names: Names): Pass | null {
	const old_rank = before.get(row.id)?.rank ?? 0;
	const passed = next.rows.filter((other) => {
		const other_rank = before.get(other.id)?.rank;
		return other_rank !== undefined && other_rank < old_rank && other.rank > row.rank;
	});
	const best = passed[0];
	return best ? { rank: row.rank, passed: names(best), count: passed.length } : null;
}

function leadNews(previous: Standings | null, next: Standings, names: Names): Lead | null {
	const leader = next.rows[0];
	const old = previous?.rows[0];
	if (!previous || !leader || leader.done === 0 || (old?.id === leader.id && old.done > 0)) return null;
	return {
		kind: 'lead',
		key: `${next.run}/lead/${next.now_s}`,
		at_s: next.now_s,
		user: names(leader),
		previous: old && old.done > 0 ? names(old) : null,
	};
}

const weight = (news: News): number => ({ lead: 2, done: 1, climb: 0 })[news.kind];
