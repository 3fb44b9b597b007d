// Who is who: user1 sits at every table of a workshop, and then only USER@CLUSTER says which.

import type { Row } from '../api/contract';

export type Names = (row: Row) => string;

/** The users that more than one of the rows has. */
export function shared(rows: readonly Row[]): ReadonlySet<string> {
	const seen = new Set<string>();
	const twice = new Set<string>();
	for (const { user } of rows) (seen.has(user) ? twice : seen).add(user);
	return twice;
}

/** A row's user where that is enough, else its id. */
export function namesIn(rows: readonly Row[]): Names {
	const twice = shared(rows);
	return (row) => (twice.has(row.user) ? row.id : row.user);
}
