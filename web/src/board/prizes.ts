// Where the prize line runs. Who wins is told row by row: whoever may not win has a rank above it all the same.
import type { Row, Standings } from '../api/contract';

/** How many rows are above the line; null where there is none to draw. */
export function prizeCut(standings: Standings): number | null {
	const last = standings.rows.findLastIndex((row) => row.prize || row.on_line);
	return standings.prize_line > 0 && last >= 0 && last + 1 < standings.rows.length ? last + 1 : null;
}

/** The last row that wins, and the first that does not but would by points. */
export function aroundLine(rows: readonly Row[]): { lastIn: Row | undefined; firstOut: Row | undefined } {
	const last = rows.findLastIndex((row) => row.prize);
	return { lastIn: rows[last], firstOut: rows.slice(last + 1).find((row) => !row.prize) };
}
