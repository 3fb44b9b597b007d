// Hops of the last minute, a row a picture. Pure: time is an argument.

import type { Hops } from './contract';

export const SPAN_MS = 60_000;
const MAX_LATE = 64; // rows among which one that is told of again is looked for
const MAX_ROWS = 4_000; // a minute at more than 60 pictures a second

export const HOPS = ['capture', 'inference', 'decision', 'hub', 'total'] as const;
export type Hop = (typeof HOPS)[number];

interface Row {
	trace: string;
	at_ms: number;
	ms: (number | null)[];
}

export class History {
	private rows: Row[] = [];

	/** A picture that is told of again, with more of its hops, keeps its row. */
	add(hops: Hops, now_ms: number): void {
		const ms = HOPS.map((hop) => {
			const us = hops[`${hop}_us`];
			return us === undefined ? null : us / 1000;
		});
		const known = this.rows.slice(-MAX_LATE).find(({ trace }) => trace === hops.trace);
		if (known) known.ms = ms;
		else this.rows.push({ trace: hops.trace, at_ms: now_ms, ms });
		const old = this.rows.findIndex(({ at_ms }) => now_ms - at_ms <= SPAN_MS);
		if (old > 0) this.rows.splice(0, old);
		if (this.rows.length > MAX_ROWS) this.rows.splice(0, this.rows.length - MAX_ROWS);
	}

	/** Seconds before now, then a column a hop. */
	columns(now_ms: number): [number[], ...(number | null)[][]] {
		const rows = this.rows.filter(({ at_ms }) => now_ms - at_ms <= SPAN_MS);
		return [rows.map(({ at_ms }) => (at_ms - now_ms) / 1000), ...HOPS.map((_, i) => rows.map(({ ms }) => ms[i] ?? null))];
	}
}
