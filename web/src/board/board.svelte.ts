/*
 * The board as the pages see it: the newest standings, the news, the clock. Standings are applied at most once a second,
 * however fast they come, so that the eye and the projector can follow; what comes in between is replaced, not queued.
 */

import type { Standings } from '../api/contract';
import { Link, type LinkState } from '../api/link';
import { gainsBetween, newsBetween, NEWS_LIMIT, type Gain, type News } from './news';

const BATCH_MS = 1_000;
const AHEAD_MS = 3_000; // how long the clock runs on without news from the server

export interface Badge {
	delta: number; // ranks won since the badge appeared
	until_ms: number;
}

export interface Float extends Gain {
	key: number;
	until_ms: number;
}

const BADGE_MS = 8_000;
const FLOAT_MS = 2_000;

export class Board {
	standings = $state.raw<Standings | null>(null);
	news = $state.raw<News[]>([]);
	badges = $state.raw<ReadonlyMap<string, Badge>>(new Map());
	floats = $state.raw<readonly Float[]>([]);
	link = $state<LinkState>('connecting');
	clock_s = $state(0);

	private pending: Standings | null = null;
	private applied_ms = -Infinity;
	private floats_made = 0;
	private readonly connection = new Link(
		(standings) => this.accept(standings),
		(state) => (this.link = state),
	);

	/** Returns what ends it. */
	start(): () => void {
		this.connection.start();
		const timer = setInterval(() => this.tick(performance.now()), 200);
		return () => {
			clearInterval(timer);
			this.connection.close();
		};
	}

	private accept(standings: Standings): void {
		this.pending = standings;
		this.tick(performance.now());
	}

	private tick(now_ms: number): void {
		if (this.pending && now_ms - this.applied_ms >= BATCH_MS - 50) this.apply(this.pending, now_ms);
		this.clock_s = this.readClock(now_ms);
		if (this.floats.some((float) => float.until_ms <= now_ms))
			this.floats = this.floats.filter((float) => float.until_ms > now_ms);
		if ([...this.badges.values()].some((badge) => badge.until_ms <= now_ms))
			this.badges = new Map([...this.badges].filter(([, badge]) => badge.until_ms > now_ms));
	}

	private apply(next: Standings, now_ms: number): void {
		const shown = this.standings;
		// Another run, or time turned back: what was shown is no longer the past of what comes.
		const previous = shown && shown.run === next.run && shown.now_s <= next.now_s ? shown : null;
		const fresh = newsBetween(previous, next);
		// A completion that was voided and came again is told once, at its newest.
		const told = new Set(fresh.map(({ key }) => key));
		const older = previous ? this.news.filter(({ key }) => !told.has(key)) : [];
		this.news = [...fresh, ...older].slice(0, NEWS_LIMIT);
		this.floats = [
			...(previous ? this.floats : []),
			...gainsBetween(previous, next).map((gain) => ({
				...gain,
				key: ++this.floats_made,
				until_ms: now_ms + FLOAT_MS,
			})),
		];
		this.badges = nextBadges(previous, next, this.badges, now_ms);
		this.standings = next;
		this.pending = null;
		this.applied_ms = now_ms;
		if (!previous) this.clock_s = next.now_s;
	}

	private readClock(now_ms: number): number {
		const shown = this.standings;
		if (!shown) return 0;
		if (shown.state !== 'running' || shown.speed === null) return shown.now_s;
		const passed_ms = Math.min(now_ms - this.applied_ms, AHEAD_MS);
		const clock_s = Math.min(shown.now_s + (passed_ms / 1000) * shown.speed, shown.end_s);
		return Math.max(clock_s, this.clock_s); // a clock that steps back looks broken
	}
}

function nextBadges(
	previous: Standings | null,
	next: Standings,
	badges: ReadonlyMap<string, Badge>,
	now_ms: number,
): Map<string, Badge> {
	const result = new Map<string, Badge>();
	if (!previous) return result;
	const ranks = new Map(previous.rows.map((row) => [row.id, row.rank]));
	for (const row of next.rows) {
		const won = (ranks.get(row.id) ?? row.rank) - row.rank;
		const old = badges.get(row.id);
		const delta = (old?.delta ?? 0) + won;
		// Only who climbs gets one: those passed are many, and are named in the news.
		if (delta <= 0) continue;
		const until_ms = won > 0 ? now_ms + BADGE_MS : (old?.until_ms ?? 0);
		if (until_ms > now_ms) result.set(row.id, { delta, until_ms });
	}
	return result;
}
